# wirespan.yml(5) from the reference configuration, which the program prints from its tables:
# what stands as a remark above an option is its meaning.
function plain(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	sub(/^[.']/, "\\\\\\&&", text)
	return text
}
function path(depth,   i, text) {
	for (i = 0; i <= depth; i++)
		text = text (i ? "." : "") name[i]
	return text
}
BEGIN {
	print ".\\\" Made from config/wirespan.reference.yml by packaging/manual.awk."
	print ".TH WIRESPAN.YML 5 \"\" \"wirespan\" \"File formats\""
	print ".SH NAME\nwirespan.yml \\- what wirespan watches, reads and sends, and where to"
	print ".SH DESCRIPTION"
	print "Every option by its dotted name, with what is in force where nothing is said."
	print "The form of the file, its variables and units are in"
	print ".BR wirespan (1);"
	print ".B wirespan test config"
	print "checks a file."
	print ".SH OPTIONS"
}
/^ *#/ {
	sub(/^ *# ?/, "")
	said = said plain($0) "\n"
	next
}
/^ *[A-Za-z_]/ {
	depth = 0
	match($0, /^ */)
	depth = RLENGTH / 2
	key = substr($0, RLENGTH + 1)
	value = key
	sub(/:.*/, "", key)
	sub(/^[^:]*:[ ]*/, "", value)
	name[depth] = key
	if (value == "") {
		printf ".SS %s\n%s", plain(path(depth)), said
	} else {
		printf ".TP\n.BR \"%s\" \" (%s)\"\n%s", plain(path(depth)), doubled(plain(value)), said
	}
	said = ""
	next
}
/^$/ { said = "" }
function doubled(text) {
	gsub(/"/, "\\(dq", text)
	return text
}
END {
	print ".SH FILES\n.I /etc/wirespan/wirespan.yml\n.SH \"SEE ALSO\"\n.BR wirespan (1)"
}
