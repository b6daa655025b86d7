package server

import (
	"bytes"
	"sync"
)

// buffers hold bodies while they are read, and answers while they are made.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// mostKept is the largest buffer that is used again.
const mostKept = 256 << 10

func takeBuffer() *bytes.Buffer {
	b, _ := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

func giveBuffer(b *bytes.Buffer) {
	if b.Cap() <= mostKept {
		buffers.Put(b)
	}
}
