package index

// Stamp stands for one state of one file. The zero Stamp is no state.
type Stamp uint64

// StampOf mixes what a look at a file tells. Two states have one stamp with a chance of 2^-64.
func StampOf(numbers ...uint64) Stamp {
	h := uint64(len(numbers))
	for _, n := range numbers {
		h = mix(h ^ mix(n+0x9e3779b97f4a7c15))
	}
	return Stamp(max(h, 1))
}

// mix is the last step of splitmix64: each bit of x moves half of the bits of the result.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
