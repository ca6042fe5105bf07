# fish completion for wirespan: commands and options are those that `wirespan help` lists.
function __wirespan_words
	set -l words (commandline -opc)
	if test (count $words) -eq 1
		wirespan help 2>/dev/null | string match -rg '^  ([a-z]+)[ a-z]*  ' | sort -u
		return
	end
	set -l second (wirespan help 2>/dev/null | string match -rg "^  $words[2] ([a-z]+)  ")
	if test (count $words) -eq 2 -a (count $second) -gt 0
		printf '%s\n' $second
		return
	end
	set -l command $words[2]
	test (count $second) -gt 0; and set command $words[2..3]
	wirespan help $command 2>/dev/null | string match -rg '^ *(?:-., )?(--[a-z-]+)'
end
complete -c wirespan -a '(__wirespan_words)'
