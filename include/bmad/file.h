/* SPDX-License-Identifier: MIT */
/* Files, for jobs that keep some: read whole, written whole or not at all. */
#ifndef BMAD_FILE_H
#define BMAD_FILE_H

#include "base/file.h"

#endif
