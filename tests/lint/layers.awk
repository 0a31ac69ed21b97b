# layers.awk RULES FILE... - every #include goes downwards, and foreign headers have one door.
function room(path) { sub(/\/[^\/]*$/, "", path); return path }
FILENAME == ARGV[1] {
	if ($0 ~ /^[[:space:]]*(#|$)/)
		next
	if ($1 == "door") {
		doors[++n_doors] = $2
		for (i = 3; i <= NF; i++)
			door_file[n_doors, i - 2] = $i
		door_count[n_doors] = NF - 2
		next
	}
	from = $1
	sub(/:$/, "", from)
	known[from] = 1
	allowed[from, from] = 1
	for (i = 2; i <= NF; i++)
		allowed[from, $i] = 1
	next
}
FNR == 1 {
	here = room(FILENAME)
	if (!(here in known)) {
		printf "%s: room %s is not in the rules\n", FILENAME, here
		bad = 1
	}
}
/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/ {
	split($0, part, "\"")
	to = room(part[2])
	if (part[2] !~ /\//) {
		printf "%s:%d: write includes from the project's root: %s\n", FILENAME, FNR, part[2]
		bad = 1
	} else if (!((here, to) in allowed)) {
		printf "%s:%d: %s may not include %s\n", FILENAME, FNR, here, part[2]
		bad = 1
	}
}
/^[[:space:]]*#[[:space:]]*include[[:space:]]*</ {
	header = $0
	sub(/^[^<]*</, "", header)
	sub(/>.*$/, "", header)
	for (d = 1; d <= n_doors; d++) {
		if (index(header, doors[d]) != 1)
			continue
		ok = 0
		for (i = 1; i <= door_count[d]; i++)
			if (index(FILENAME, door_file[d, i]) == 1)
				ok = 1
		if (!ok) {
			printf "%s:%d: <%s> has its door elsewhere\n", FILENAME, FNR, header
			bad = 1
		}
		break
	}
}
/(^|[^A-Za-z0-9_>.])(malloc|calloc|realloc|free|strdup)[[:space:]]*\(/ {
	if (FILENAME != "engine/base/mem.c" && $0 !~ /^[[:space:]]*(\/?\*|\/\/)/) {
		printf "%s:%d: memory comes from engine/base/mem.h\n", FILENAME, FNR
		bad = 1
	}
}
/(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|gets|strtok|atoi|system|popen|gmtime|localtime)[[:space:]]*\(/ {
	if ($0 !~ /^[[:space:]]*(\/?\*|\/\/)/) {
		printf "%s:%d: banned call\n", FILENAME, FNR
		bad = 1
	}
}
END { exit bad }
