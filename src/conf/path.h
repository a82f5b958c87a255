/* SPDX-License-Identifier: MIT */
/* Pure: paths in the configuration, which are relative to the folder of the file that holds them. */
#ifndef CONF_PATH_H
#define CONF_PATH_H

#include "base/mem.h"

/*
 * PATH seen from FOLDER; copied into ARENA unless it is absolute. One that begins with a reference stays as
 * it is: whoever resolves it calls this again.
 */
const char *conf_path(const char *folder, const char *path, struct arena *arena);
/* The same for what follows `sqlite:`; other URLs name no file and stay as they are. */
const char *conf_path_of_url(const char *folder, const char *url, struct arena *arena);
/* The folder that PATH is in: "/etc/bmad" of "/etc/bmad/bmad.yaml", "." of a bare name. */
const char *conf_folder_of(const char *path, struct arena *arena);

#endif
