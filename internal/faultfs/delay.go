package faultfs

// Delay lets an operation begin only when Wait has returned. Others are not held up by it.
type Delay struct {
	Wait func(Op)
}

func (d *Delay) Error() string { return "delayed" }

// DelayMatching lets the operations for which match is true begin only when wait has returned. wait
// may sleep, or stay until something else has happened.
func DelayMatching(match func(Op) bool, wait func(Op)) Injector {
	return FailMatching(match, &Delay{wait})
}

// DelayAt lets the i-th operation begin only when wait has returned.
func DelayAt(i int, wait func(Op)) Injector {
	return DelayMatching(func(op Op) bool { return op.Index == i }, wait)
}
