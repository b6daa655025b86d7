// Package faultfs makes the i-th operation of an afero.Fs fail, fall short or wait, and counts and
// names them all, for tests of the kind
//
//	for i := 0; ; i++ {
//		fsys := faultfs.New(inner, faultfs.FailAt(i, nil))
//		err := scenario(fsys)
//		check(inner, err)
//		if fsys.Count() <= i {
//			break // every operation has failed once
//		}
//	}
package faultfs
