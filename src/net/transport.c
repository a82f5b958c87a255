/* SPDX-License-Identifier: MIT */
/* The settings that every transfer has. */
#include "net/transport.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_MS   10000L
#define SLOW_BYTES   1L /* a second, over ... */
#define SLOW_SECONDS 15L
#define IDLE_SECONDS 30L /* a connection kept longer is likely to be closed from the other side */

/* Addresses of the machine's own link: no receiver is there, but cloud metadata with credentials is. */
static bool is_link_local(const struct sockaddr *address)
{
	static const struct in6_addr metadata = {{{0xfd, 0x00, 0x0e, 0xc2, [15] = 0x54, [14] = 0x02}}};
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	const struct in_addr *v4 = &((const struct sockaddr_in *)(const void *)address)->sin_addr;

	if (address->sa_family == AF_INET)
		return ntohl(v4->s_addr) >> 16 == 0xa9fe; /* 169.254.0.0/16 */
	if (address->sa_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(v6))
		return v6->s6_addr[12] == 169 && v6->s6_addr[13] == 254;
	return IN6_IS_ADDR_LINKLOCAL(v6) || !memcmp(v6, &metadata, sizeof(metadata));
}

/* Judged by the address, not the name: that may lead anywhere by the time it is resolved. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	bool *refused = arg;

	(void)purpose;
	if (is_link_local(&address->addr)) {
		*refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#define SET(option, value) (failed = failed || curl_easy_setopt(easy, (option), (value)) != CURLE_OK)

static bool set_security(
    CURL *easy, const struct transport_limits *limits, const char *protocols, bool *refused)
{
	bool failed = false;

	SET(CURLOPT_PROTOCOLS_STR, protocols);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (limits->ca_file)
		SET(CURLOPT_CAINFO, limits->ca_file);
	SET(CURLOPT_PROXY, limits->proxy ? limits->proxy : "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, refused);
	return !failed;
}

static bool set_bounds(CURL *easy, const struct transport_limits *limits)
{
	bool failed = false;

	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    limits->timeout_ms < CONNECT_MS ? (long)limits->timeout_ms : CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)limits->timeout_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
	SET(CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
	SET(CURLOPT_FRESH_CONNECT, limits->fresh ? 1L : 0L);
	SET(CURLOPT_FORBID_REUSE, limits->fresh ? 1L : 0L);
	return !failed;
}

bool transport_set(CURL *easy, const struct transport_limits *limits, const char *protocols, bool *refused)
{
	*refused = false;
	return set_security(easy, limits, protocols, refused) && set_bounds(easy, limits);
}

bool transport_is_certificate_fault(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ||
	       code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CRL_BADFILE ||
	       code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}
