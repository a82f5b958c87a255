/* SPDX-License-Identifier: MIT */
/* What jobs do with text: UTF-8, widths, Base64, near names. */
#ifndef BMAD_TEXT_H
#define BMAD_TEXT_H

#include "base/text.h"

#include <bmad/buf.h>

#endif
