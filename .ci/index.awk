# Reads the rows of .ci/bench-index and prints the tables: medians of the time that passed and, in brackets, of the processor time, in milliseconds.
function median(list,    v, n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j-1] + 0; j--) { t = v[j]; v[j] = v[j-1]; v[j-1] = t }
	return v[int((n + 1) / 2)] + 0
}
function ms(us) { return us >= 99500 ? sprintf("%.0f", us / 1e3) : us >= 9950 ? sprintf("%.1f", us / 1e3) : sprintf("%.2f", us / 1e3) }
function cell(k) { return (k in wall) ? ms(median(wall[k])) " (" ms(median(cpu[k])) ")" : "–" }
function ratio(a, b) { return (a in wall) && (b in wall) && median(cpu[b]) > 0 ? sprintf("%.1f (%.1f)", median(wall[a]) / median(wall[b]), median(cpu[a]) / median(cpu[b])) : "–" }
{
	row = $1 " " $2 " " $3; key = row " " $4
	if ($4 == "rebuild") { for (i = 7; i < NF; i += 2) if ($3 == "filter" && $(i+1) == "bytes/run") size[$1 " " $2] = $i; next }
	if ($4 == "build") building[$1 " " $2] = row
	if (!(row in seen)) { seen[row] = 1; rows[++count] = row }
	for (i = 7; i < NF; i += 2) {
		if ($(i+1) == "wall-µs") wall[key] = wall[key] " " $i
		if ($(i+1) == "cpu-µs/op") cpu[key] = cpu[key] " " $i
		if ($(i+1) == "MiB-peak") peak[key] = peak[key] " " $i
		if ($(i+1) == "looked") looked[key] = $i
	}
}
END {
	print "| where | of | call | none | checked | ended | floor | floor, ended | none / checked | none / ended | checked / floor | ended / floor | looks | peak MiB |"
	print "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= count; k++) {
		r = rows[k]
		split(r, f, " ")
		n = r " none"; c = r " checked"; e = r " ended"; lo = r " floor"; le = r " floor-ended"
		print "| " f[1] " | " f[2] " | " f[3] " | " cell(n) " | " cell(c) " | " cell(e) " | " cell(lo) " | " cell(le) " | " ratio(n, c) " | " ratio(n, e) " | " \
			ratio(c, lo) " | " ratio(e, le) " | " looked[c] ", " looked[e] " | " (c in peak ? sprintf("%.0f", median(peak[c])) : "–") " |"
	}
	print ""
	print "| where | runs | building / the same search without | of 25 values, bytes a run | building, peak MiB |"
	print "|---|---:|---:|---:|---:|"
	for (b in building) { split(b, f, " "); print "| " f[1] " | " f[2] " | " ratio(building[b] " build", building[b] " none") " | " sprintf("%.0f", size[b]) " | " sprintf("%.0f", median(peak[building[b] " build"])) " |" }
}
