/* SPDX-License-Identifier: MIT */
/* Bodies of forms, for calls of APIs that take them. */
#ifndef BMAD_FORM_H
#define BMAD_FORM_H

#include "send/form.h"

#endif
