# SPDX-License-Identifier: MIT
# Completion for bash: commands and options as `bmad --help` tells them, names as the configuration has them.
# Whatever goes wrong, nothing is said: then there is just nothing to choose from.

# bmad with the -c and --env of the line that is being written.
_bmad_ask() {
	local -a globals=()
	local i=1

	while [[ ${COMP_WORDS[i]} == -c || ${COMP_WORDS[i]} == --env ]] && ((i + 1 < COMP_CWORD)); do
		globals+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
		((i += 2))
	done
	"${COMP_WORDS[0]}" "${globals[@]}" "$@" 2>/dev/null </dev/null
}

_bmad_jobs() {
	_bmad_ask jobs --json | grep -o '"name":"[^"]*","module"' | cut -d '"' -f 4
}

# The configuration that bmad would read.
_bmad_file() {
	local i file=${BMAD_CONFIG:-bmad.yaml}

	[[ -r $file ]] || file=/etc/bmad/bmad.yaml
	for ((i = 1; i + 1 < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -c ]] && file=${COMP_WORDS[i + 1]}
	done
	printf '%s\n' "$file"
}

# No command lists channels, so the keys of the section are read as they are usually written: one a line.
_bmad_channels() {
	echo console
	awk '/^[^ #]/ { within = /^channels:/; next }
	     within && match($0, /^ +/) { if (!depth) depth = RLENGTH }
	     within && RLENGTH == depth && match($0, /[A-Za-z0-9][A-Za-z0-9_.-]*"?:/) {
	             name = substr($0, depth + 1); sub(/^"/, "", name); sub(/"?:.*/, "", name)
	             if (name ~ /^[A-Za-z0-9][A-Za-z0-9_.-]*$/) print name
	     }' "$(_bmad_file)" 2>/dev/null
}

# bmad.NAME.yaml beside the configuration
_bmad_environments() {
	local file overlay name

	file=$(_bmad_file)
	for overlay in "${file%.*}".*."${file##*.}"; do
		name=${overlay#"${file%.*}."}
		[[ -r $overlay ]] && printf '%s\n' "${name%."${file##*.}"}"
	done
}

# The command of the line: the first word that is no global option. Sets `command` and `at`.
_bmad_command() {
	at=1
	while ((at < COMP_CWORD)) && [[ ${COMP_WORDS[at]} == -c || ${COMP_WORDS[at]} == --env ]]; do
		((at += 2))
	done
	command=${COMP_WORDS[at]-}
}

_bmad_offer() {
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$1" -- "$word")
}

_bmad_offer_files() {
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word")
}

# What follows option $1 of the command whose usage is $2; fails if $1 is no option that has a value.
_bmad_value() {
	case $1 in
	-c | --data | --partials) _bmad_offer_files ;;
	--env) _bmad_offer "$(_bmad_environments)" ;;
	--channel) _bmad_offer "$(_bmad_channels)" ;;
	--job) _bmad_offer "$(_bmad_jobs)" ;;
	--state) _bmad_offer "queued sending retrying delivered ambiguous dead suppressed discarded" ;;
	--dst) _bmad_offer "vixie rfc5545 skip both" ;;
	-*) [[ $2 == *[\ \[]"$1 "[A-Z0-9]* ]] ;;
	*) return 1 ;;
	esac
}

# The names that command $1, whose usage is $2, takes.
_bmad_argument() {
	case $1 in
	outbox) _bmad_offer "list show retry discard" ;;
	modules) _bmad_offer "$(_bmad_ask modules | awk '/^  / { print $1 }')" ;;
	send) _bmad_offer "$(_bmad_channels)" ;;
	backup) _bmad_offer_files ;;
	*) [[ $2 == *JOB* ]] && _bmad_offer "$(_bmad_jobs)" ;;
	esac
	[[ $1 == render ]] && _bmad_offer_files
}

_bmad() {
	local word=$2 before=$3 command at usage

	COMPREPLY=()
	_bmad_command
	if ((at >= COMP_CWORD)); then
		_bmad_value "$before" "" && return
		_bmad_offer "-c --env --help $(_bmad_ask --help | awk '/^  bmad / { print $2 }')"
		return
	fi
	usage=$(_bmad_ask "$command" --help | tr '\n' ' ')
	((at + 1 < COMP_CWORD)) && _bmad_value "$before" "$usage" && return
	if [[ $word == -* ]]; then
		_bmad_offer "$(grep -oE -- '--?[a-z][a-z-]*' <<<"${usage#usage: bmad "$command"}")"
	else
		_bmad_argument "$command" "$usage"
	fi
}

complete -o filenames -F _bmad bmad
