# bash completion for wirespan: commands and options are those that `wirespan help` lists.
_wirespan() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} commands
	commands=$(wirespan help 2>/dev/null | sed -n 's/^  \([a-z]\{1,\}\( [a-z]\{1,\}\)\{0,1\}\)  .*/\1/p')
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "$(sed 's/ .*//' <<<"$commands" | sort -u)" -- "$word"))
		return
	fi
	if grep -q "^$command " <<<"$commands"; then
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W "$(sed -n "s/^$command //p" <<<"$commands")" -- "$word"))
			return
		fi
		command="$command ${COMP_WORDS[2]}"
	fi
	case $before in
	-i | --device)
		COMPREPLY=($(compgen -W "$(wirespan devices 2>/dev/null | awk '{print $2}')" -- "$word"))
		return
		;;
	esac
	case $word in
	-*) COMPREPLY=($(compgen -W "$(wirespan help $command 2>/dev/null |
		sed -n 's/^ *\(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p')" -- "$word")) ;;
	*) COMPREPLY=($(compgen -f -- "$word")) ;;
	esac
}
complete -o filenames -F _wirespan wirespan
