/* SPDX-License-Identifier: MIT */
/* Signatures of the Standard Webhooks specification. */
#include "send/channels.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"

#define PREFIX  "whsec_"
#define KEY_MIN 24 /* the specification's limits, in bytes */
#define KEY_MAX 64

struct key {
	unsigned char bytes[KEY_MAX + 3]; /* the decoder writes whole groups of three */
	size_t length;
};

/* The key is what the base64 after the prefix decodes to, not the text. No text here may show any of it. */
static struct err *decode_key(const char *secret, struct key *out)
{
	const char *text = strncmp(secret, PREFIX, strlen(PREFIX)) ? secret : secret + strlen(PREFIX);
	size_t length = strlen(text), padding = 0;
	int decoded;

	if (length % 4 || length > (KEY_MAX + 2) / 3 * 4)
		return ERR(ERR_CONFIG, "secret: must be `whsec_` and the base64 of %d to %d bytes", KEY_MIN,
		    KEY_MAX);
	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	decoded = EVP_DecodeBlock(out->bytes, (const unsigned char *)text, (int)length);
	out->length = decoded < 0 ? 0 : (size_t)decoded - padding;
	if (decoded < 0 || out->length < KEY_MIN || out->length > KEY_MAX)
		return ERR(ERR_CONFIG, "secret: must be `whsec_` and the base64 of %d to %d bytes", KEY_MIN,
		    KEY_MAX);
	return NULL;
}

static void add_signature(struct buf *out, const struct key *key, const struct buf *content)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned char text[(EVP_MAX_MD_SIZE + 2) / 3 * 4 + 1];
	unsigned int length = 0;

	HMAC(EVP_sha256(), key->bytes, (int)key->length, (const unsigned char *)content->text,
	    content->length, mac, &length);
	EVP_EncodeBlock(text, mac, (int)length);
	buf_format(out, "%sv1,%s", out->length ? " " : "", (const char *)text);
}

struct err *webhook_signature(const struct texts *secrets, const char *id, int64_t timestamp,
    const char *body, size_t body_length, struct arena *arena, const char **out_signature)
{
	cleanup(buf_done) struct buf content = {0};
	cleanup(buf_done) struct buf signature = {0};

	buf_format(&content, "%s.%lld.", id, (long long)timestamp);
	buf_add(&content, body, body_length);
	for (size_t i = 0; i < secrets->count; i++) {
		struct key key = {0};

		PASS(decode_key(secrets->items[i], &key));
		add_signature(&signature, &key, &content);
		explicit_bzero(&key, sizeof(key));
	}
	*out_signature = arena_copy(arena, buf_text(&signature));
	return NULL;
}
