# Reads the output of go test -bench -count N and prints one row for each benchmark: the median of each column over the N runs, the shortest time, and
# the ratio to the floor, which is the benchmark of the same name after "Floor". Where a processor time was reported, the ratio is of that: other work on
# the machine does not lengthen it.
function median(list,    v, n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j-1] + 0; j--) { t = v[j]; v[j] = v[j-1]; v[j-1] = t }
	least = v[1]
	return v[int((n + 1) / 2)]
}
function short(ns) {
	return ns >= 1e9 ? sprintf("%.2f s", ns / 1e9) : ns >= 1e6 ? sprintf("%.1f ms", ns / 1e6) : ns >= 1e3 ? sprintf("%.1f µs", ns / 1e3) : sprintf("%.0f ns", ns)
}
/^Benchmark/ && NF >= 4 {
	name = $1
	sub(/^Benchmark/, "", name)
	sub(/-[0-9]+$/, "", name)
	if (!(name in seen)) { seen[name] = 1; names[++count] = name }
	for (i = 3; i < NF; i += 2) values[name, $(i+1)] = values[name, $(i+1)] " " $i
}
/^FAIL|^--- FAIL/ { failed = 1 }
!/^Benchmark/ { print > "/dev/stderr" }
END {
	print "| benchmark | median | least | processor time | of the floor | system calls | opened | peak memory | allocated | allocations |"
	print "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= count; k++) {
		n = names[k]
		if (n ~ /^Floor/) continue
		unit = ((n, "cpu-µs/op") in values) && (("Floor" n, "cpu-µs/op") in values) ? "cpu-µs/op" : "ns/op"
		ratio = ("Floor" n, unit) in values ? sprintf("%.2f×", median(values[n, unit]) / median(values["Floor" n, unit])) : "–"
		time = median(values[n, "ns/op"])
		printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", n, short(time), short(least),
			(n, "cpu-µs/op") in values ? short(median(values[n, "cpu-µs/op"]) * 1e3) : "–", ratio,
			(n, "syscalls/op") in values ? median(values[n, "syscalls/op"]) : "–", (n, "opens/op") in values ? median(values[n, "opens/op"]) : "–",
			(n, "MiB-peak") in values ? median(values[n, "MiB-peak"]) " MiB" : "–",
			(n, "B/op") in values ? sprintf("%.0f kB", median(values[n, "B/op"]) / 1e3) : "–", (n, "allocs/op") in values ? median(values[n, "allocs/op"]) : "–"
	}
	exit failed
}
