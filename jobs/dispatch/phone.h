/* SPDX-License-Identifier: MIT */
/* Telephone numbers in what people typed. Pure. */
#ifndef JOBS_DISPATCH_PHONE_H
#define JOBS_DISPATCH_PHONE_H

#include <stdbool.h>

#define PHONE_SIZE 20 /* +, digits, NUL */

/*
 * The first number in TEXT (NULL: none) that is one, as +12025550101: an American one in any of the ways to
 * write it, or a foreign one with `+` or 011. Digits of names and extensions are left out; a number that
 * could only be guessed at is none.
 */
bool phone_read(const char *text, char out[PHONE_SIZE]);

#endif
