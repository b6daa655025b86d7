package search

import (
	"math"
	"testing"
)

func TestEncodeToken(t *testing.T) {
	for offset, want := range map[int]string{
		1: "eyJvZmZzZXQiOiAxfQ==", 10: "eyJvZmZzZXQiOiAxMH0=", 1000: "eyJvZmZzZXQiOiAxMDAwfQ==",
	} {
		if got := EncodeToken(offset); got != want {
			t.Errorf("%d: got %q, want %q", offset, got, want)
		}
	}
	for _, offset := range []int{1, 2, 999, math.MaxInt} {
		if got, err := DecodeToken(EncodeToken(offset)); got != offset || err != nil {
			t.Errorf("round trip of %d: got %d, %v", offset, got, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "eyJvZmZzZXQiOiAxfQ==", "eyJv ZmZzZXQiOiAxfQ==x", "junk", "e30=", "=", "WzFd", "eyJvZmZzZXQiOiAiNSJ9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		offset, err := DecodeToken(token)
		if err != nil {
			checkError(t, token, err)
			return
		}
		if offset < 0 || offset == 0 && token != "" {
			t.Fatalf("%q: got offset %d", token, offset)
		}
		if again, err := DecodeToken(EncodeToken(offset)); offset > 0 && (again != offset || err != nil) {
			t.Fatalf("%q: %d does not survive: %d, %v", token, offset, again, err)
		}
	})
}
