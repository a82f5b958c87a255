# bmad: README.md says how to begin, CONTRIBUTING.md how to work on it.
#
#   make            the binary           make test       lint-free suite: unit and end-to-end tests
#   make demo       the main job         make unit       unit tests (T="cron tz": only these)
#   make demo-daemon                     make e2e        end-to-end tests (K=expression: only these)
#   make lint       cppcheck, clang-tidy, man pages, gcc and clang
#   make sanitize   all tests under ASan and UBSan       make memcheck   unit tests under valgrind
#   make fuzz       every fuzzer for FUZZ_S seconds      make coverage   line coverage of the tests
#   make bench      measurements         make install    PREFIX, DESTDIR
#
# BUILD is the folder of objects, PARTS the folders of src/ to build, SANITIZE=1 instruments, Q= shows commands.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
FUZZ_S  ?= 30
Q       ?= @
ifeq ($(origin CC),default)
CC      := gcc
endif
PARTS   ?= base request conf schedule daemon worker store source net render send cli
PYTHON  ?= /usr/bin/python3
VERSION := 0.1.0

PACKAGES := cairo libcurl libcjson libical libpq sqlite3 yaml-0.1 libevent_core libcrypto libdw libidn2
CPPFLAGS += -Iinclude -Isrc -I. -D_GNU_SOURCE -DBMAD_VERSION='"$(VERSION)"' \
            -DBMAD_TEMPLATE_FOLDER='"$(PREFIX)/share/bmad/templates"'
, := ,
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
HARDEN   := -fstack-protector-strong -fPIE $(if $(SANITIZE)$(COVERAGE),,-D_FORTIFY_SOURCE=2)
# Frames must survive for tracebacks; the last word is gcc's alone.
FRAMES   := -fno-omit-frame-pointer -fno-optimize-sibling-calls \
            $(if $(findstring clang,$(CC)),,-fno-inline-functions-called-once)
INSTRUMENT := $(if $(SANITIZE),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined) \
              $(if $(COVERAGE),--coverage)
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=c17 $(WARN) $(HARDEN) $(FRAMES) $(CFLAGS) $(INSTRUMENT)
LDFLAGS  += -pie -Wl,-z,relro,-z,now,--as-needed
# Asked for when something is linked: on a fresh machine scripts/deps comes first.
LDLIBS    = $(shell pkg-config --libs $(PACKAGES)) -lm

SRC   := $(sort $(foreach part,$(PARTS),$(wildcard src/$(part)/*.c)))
JOBS  := $(if $(filter worker,$(PARTS)),$(sort $(wildcard jobs/*.c jobs/*/*.c)))
OBJ   := $(patsubst %.c,$(BUILD)/%.o,$(SRC) $(JOBS))
LIB   := $(BUILD)/libbmad.a
T     ?= $(patsubst tests/unit/test_%.c,%,$(wildcard tests/unit/test_*.c))
UNIT  := $(patsubst %,$(BUILD)/tests/unit/test_%,$(T))
FUZZ  := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
DRIVERS := $(patsubst tests/drivers/%.c,$(BUILD)/tests/drivers/%,$(wildcard tests/drivers/*.c))

all: bmad

bmad: $(BUILD)/bmad
	cp -f $< $@

$(BUILD)/bmad: $(BUILD)/src/main.o $(LIB)
# The binary of the tests has job modules that misbehave.
TEST_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/modules/*.c)) $(BUILD)/test/jobs.o
$(BUILD)/bmad-test: $(BUILD)/src/main.o $(TEST_OBJ) $(LIB)
$(BUILD)/test/jobs.o: jobs/jobs.c
	@mkdir -p $(@D)
	@echo '  CC   $< (tests)'
	$(Q)$(CC) $(CPPFLAGS) -DBMAD_TEST_MODULES $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(UNIT): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(LIB)
$(UNIT): LDLIBS += -lcmocka
$(BUILD)/tests/unit/test_chart: LDLIBS += -lfontconfig
$(BENCH) $(DRIVERS): %: %.o $(LIB)
# Children write their counters too.
COUNTED := $(if $(COVERAGE),$(BUILD)/bmad $(BUILD)/bmad-test $(UNIT) $(DRIVERS))
$(COUNTED): $(BUILD)/tests/coverage.o
$(COUNTED): LDFLAGS += -Wl,--wrap=_exit
$(BUILD)/bmad $(BUILD)/bmad-test $(UNIT) $(BENCH) $(DRIVERS):
	@echo '  LINK $@'
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(LIB): $(OBJ)
	@echo '  AR   $@'
	$(Q)rm -f $@ && ar qcs $@ $^
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC   $<'
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# -- tests ---------------------------------------------------------------------------------------------------

test: deps
	scripts/test $(BUILD)
unit: $(UNIT)
	scripts/unit $(UNIT)
e2e: bmad $(BUILD)/bmad-test $(DRIVERS)
	BMAD_BUILD=$(BUILD) $(PYTHON) -m pytest -q -n 4 --dist loadfile tests/e2e $(if $(K),-k '$(K)')
sanitize:
	$(MAKE) BUILD=$(BUILD)/asan CFLAGS='-O1 -g' SANITIZE=1 unit e2e
memcheck: $(UNIT)
	scripts/unit valgrind -q --error-exitcode=9 --leak-check=full -- $(UNIT)
fuzz:
	scripts/fuzz $(BUILD)/fuzz $(FUZZ_S) $(FUZZ)
coverage:
	mkdir -p $(BUILD)/coverage && find $(BUILD)/coverage -name '*.gcda' -delete
	$(MAKE) -k BUILD=$(BUILD)/coverage CFLAGS='-O0 -g' COVERAGE=1 unit e2e; tests=$$?; \
	scripts/coverage $(BUILD)/coverage && exit $$tests
lint:
	scripts/lint $(BUILD)
bench: bmad $(BUILD)/bmad-test $(BENCH)
	BMAD_BUILD=$(BUILD) bench/run
deps:
	scripts/deps

# -- use -----------------------------------------------------------------------------------------------------

demo demo-daemon:
	scripts/deps build
	$(MAKE) --no-print-directory bmad
	demo/run $(if $(filter demo-daemon,$@),daemon)
install: bmad
	install -D -m 755 bmad $(DESTDIR)$(PREFIX)/bin/bmad
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 man/bmad.8
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 man/bmad.yaml.5
	cd templates && find . -type f -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/bmad/templates/{} \;
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/bmad config/bmad.yaml
	install -D -m 644 config/bmad.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/bmad
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system config/bmad.service
clean:
	rm -rf $(BUILD) bmad

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all test unit e2e sanitize memcheck fuzz coverage lint bench deps demo demo-daemon install clean
.PRECIOUS: $(BUILD)/%.o
