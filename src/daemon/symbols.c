/* SPDX-License-Identifier: MIT */
/* Addresses to functions and lines, with libdwfl on the files that this process is made of. */
#include "daemon/symbols.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

struct symbols {
	Dwfl *dwfl;
	struct arena arena; /* texts that were made here */
};

/* -- the files ------------------------------------------------------------------------------------- */

/* The binary may have been replaced by a newer one since we were started: the kernel still has ours. */
static int open_own(const char *name)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length <= 0)
		return -1;
	path[length] = '\0';
	return strcmp(path, name) ? -1 : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int find_elf(
    Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, char **out_path, Elf **out_elf)
{
	int fd = open_own(name);

	return fd >= 0 ? fd : dwfl_linux_proc_find_elf(module, user, name, base, out_path, out_elf);
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

struct symbols *symbols_create(void)
{
	struct symbols *symbols = mem_alloc(sizeof(*symbols));

	unsetenv("DEBUGINFOD_URLS"); /* libdw would ask servers in the network */
	symbols->dwfl = dwfl_begin(&callbacks);
	if (symbols->dwfl && !dwfl_linux_proc_report(symbols->dwfl, getpid()) &&
	    !dwfl_report_end(symbols->dwfl, NULL, NULL))
		return symbols;
	symbols_destroy(symbols);
	return NULL;
}

void symbols_destroy(struct symbols *symbols)
{
	if (!symbols)
		return;
	if (symbols->dwfl)
		dwfl_end(symbols->dwfl);
	arena_done(&symbols->arena);
	free(symbols);
}

/* -- one address ----------------------------------------------------------------------------------- */

/* What is being told of one address. */
struct place {
	struct symbols *symbols;
	Dwfl_Module *module;
	Dwarf_Addr address;
	const char *folder; /* in which it was compiled */
	struct frame_record frame;
};

/* As it was named to the compiler. */
static const char *file_name(const struct place *place, const char *path)
{
	size_t length = place->folder ? strlen(place->folder) : 0;

	if (length && !strncmp(path, place->folder, length) && path[length] == '/')
		path += length + 1;
	return strncmp(path, "./", 2) ? path : path + 2;
}

static void find_line(struct place *place)
{
	Dwfl_Line *line = dwfl_module_getsrc(place->module, place->address);
	int number = 0;
	const char *path = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;

	if (!path)
		return;
	place->folder = dwfl_line_comp_dir(line);
	place->frame.file = file_name(place, path);
	place->frame.line = number;
}

/* A function without debugging information, as most of libc's: "libc.so.6" and the offset in it. */
static void find_object(struct place *place)
{
	Dwarf_Addr start = 0;
	const char *path = dwfl_module_info(place->module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (!place->frame.file)
		place->frame.file = slash ? slash + 1 : path;
	if (!place->frame.function)
		place->frame.function = arena_format(
		    &place->symbols->arena, "+0x%llx", (unsigned long long)(place->address - start));
}

static int64_t number_of(Dwarf_Die *die, unsigned int attribute)
{
	Dwarf_Attribute found;
	Dwarf_Word number = 0;

	if (!dwarf_attr(die, attribute, &found) || dwarf_formudata(&found, &number))
		return 0;
	return (int64_t)number;
}

static const char *call_file(const struct place *place, Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Dwarf_Files *files;
	size_t count;
	const char *path;

	if (dwarf_getsrcfiles(unit, &files, &count))
		return NULL;
	path = dwarf_filesrc(files, (size_t)number_of(inlined, DW_AT_call_file), NULL, NULL);
	return path ? file_name(place, path) : NULL;
}

/*
 * The calls that were inlined at this address, innermost first; the frame is left as that of the function
 * around them all.
 */
static void unfold(struct place *place, void (*add)(void *arg, const struct frame_record *frame), void *arg)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(place->module, place->address, &bias);
	Dwarf_Die *innermost = NULL, *scopes = NULL;
	int count = unit ? dwarf_getscopes(unit, place->address - bias, &innermost) : 0;

	if (count > 0)
		count = dwarf_getscopes_die(&innermost[0], &scopes);
	for (int i = 0; i < count; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		if (dwarf_diename(&scopes[i]))
			place->frame.function = dwarf_diename(&scopes[i]);
		if (tag == DW_TAG_subprogram)
			break;
		add(arg, &place->frame);
		place->frame.file = call_file(place, unit, &scopes[i]);
		place->frame.line = number_of(&scopes[i], DW_AT_call_line);
		place->frame.function = NULL;
	}
	free(innermost);
	free(scopes);
}

bool symbols_resolve(struct symbols *symbols, uintptr_t address, bool exact,
    void (*add)(void *arg, const struct frame_record *frame), void *arg)
{
	struct place place = {.symbols = symbols, .address = exact ? address : address - 1};

	place.module = dwfl_addrmodule(symbols->dwfl, place.address);
	if (!place.module)
		return false;
	find_line(&place);
	unfold(&place, add, arg);
	if (!place.frame.function)
		place.frame.function = dwfl_module_addrname(place.module, place.address);
	find_object(&place);
	add(arg, &place.frame);
	return true;
}
