# bmad - see README.md. `make help` lists the targets.
#
# Variables: BUILD (folder), CC, PARTS (folders of src/ to build), T (unit tests to run),
# SANITIZE=1 (ASan + UBSan), PREFIX, DESTDIR.

BUILD   ?= build
ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
PARTS   ?= base request conf schedule daemon worker store source render send cli
VERSION := 0.1.0

PACKAGES := libcurl libcjson libpq sqlite3 yaml-0.1 libevent_core openssl
CPPFLAGS += -Iinclude -Isrc -I. -D_GNU_SOURCE -DBMAD_VERSION='"$(VERSION)"' -DBMAD_DATADIR='"$(PREFIX)/share/bmad"'
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
HARDEN   := -fstack-protector-strong -fPIE $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
# Frames must survive for tracebacks (the last three are gcc's words; clang knows the first two).
FRAMES   := -fno-omit-frame-pointer -fno-optimize-sibling-calls \
            $(if $(findstring clang,$(CC)),,-fno-inline-functions-called-once)
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=c17 $(WARN) $(HARDEN) $(FRAMES) $(CFLAGS) $(SAN)
LDFLAGS  += -pie -Wl,-z,relro,-z,now,--as-needed
SAN      := $(if $(SANITIZE),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined)
, := ,
LDLIBS   := $(shell pkg-config --libs $(PACKAGES)) -lm

SRC   := $(sort $(foreach part,$(PARTS),$(wildcard src/$(part)/*.c)))
JOBS  := $(if $(filter worker,$(PARTS)),$(sort $(wildcard jobs/*.c jobs/*/*.c)))
OBJ   := $(patsubst %.c,$(BUILD)/%.o,$(SRC) $(JOBS))
LIB   := $(BUILD)/libbmad.a
T     ?= $(patsubst tests/unit/test_%.c,%,$(wildcard tests/unit/test_*.c))
UNIT  := $(patsubst %,$(BUILD)/tests/unit/test_%,$(T))

all: bmad

bmad: $(BUILD)/bmad
	cp $< $@

$(BUILD)/bmad: $(BUILD)/src/main.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(OBJ)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

unit: $(UNIT)
	@for test in $(UNIT); do $$test || exit 1; done

clean:
	rm -rf $(BUILD) bmad

-include $(OBJ:.o=.d)
.PHONY: all unit clean
.PRECIOUS: $(BUILD)/%.o
