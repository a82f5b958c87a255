/* SPDX-License-Identifier: MIT */
/* Texts that grow, for jobs. */
#ifndef BMAD_BUF_H
#define BMAD_BUF_H

#include "base/buf.h"

#endif
