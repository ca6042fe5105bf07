# docs/wirespan.1 from docs/wirespan.1.in: the options of each command are those of its table, as `wirespan help` prints
# them. What the manual has to add stands behind @more.
#
#   awk -v program=build/wirespan -f packaging/manual1.awk docs/wirespan.1.in
#
#   @options run
#   @more device
#   Text behind the sentence of --device.
#   @end
function plain(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	sub(/^[.']/, "\\\\\\&&", text)
	return text
}
function head(line,   word, count, i, text) {
	count = split(line, word, " ")
	for (i = 1; i <= count; i++) {
		if (word[i] ~ /^-/)
			text = text (i > 1 ? " " : "") "\\fB" plain(word[i]) "\\fR"
		else
			text = text " \\fI" plain(word[i]) "\\fR"
	}
	sub(/,\\fR/, "\\fR,", text)
	return text
}
function told(name, help) {
	print plain(help)
	if (name in more)
		printf "%s", more[name]
	delete more[name]
}
# Help that begins on a line of its own.
function goes_on(line) {
	return substr(line, 1, 28) ~ /^ +$/ && substr(line, 29, 1) != " "
}
function options(command,   ask, line, name, begin, seen) {
	ask = program " help " command
	while ((ask | getline line) > 0) {
		if (line !~ /^  (-[a-zA-Z],|   ) --/ && !(name != "" && goes_on(line))) {
			name = ""
			continue
		}
		seen++
		if (goes_on(line)) {
			told(name, substr(line, 29))
			continue
		}
		begin = match(substr(line, 7), /  +/) ? RSTART + 6 : length(line) + 1
		name = substr(line, 9)
		sub(/[^a-z-].*/, "", name)
		if (name == "help") {
			name = ""
			continue
		}
		print ".TP\n" head(substr(line, 1, begin - 1))
		if (begin <= length(line)) {
			line = substr(line, begin)
			sub(/^ +/, "", line)
			told(name, line)
		}
	}
	close(ask)
	for (name in more) {
		print "manual1.awk: " command " has no option --" name >"/dev/stderr"
		exit 1
	}
	if (!seen)
		exit 1
}
/^@options / { command = substr($0, 10); name = ""; next }
/^@more / { name = $2; next }
/^@end$/ { options(command); command = ""; next }
command != "" { more[name] = more[name] $0 "\n"; next }
{ print }
