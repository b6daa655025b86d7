// Package failure has what the errors of this module are made of: the sentinels, which the root
// package exports under the same names, and Reason, which gives an error MLflow's text and code.
//
// It is for authors of stores. Their users meet a *mlruns.Error, find its sentinel with errors.Is,
// and its code and text with mlruns.CodeOf and mlruns.MessageOf. It is a package below the root so
// that every other one can share its sentinels.
package failure

import "errors"

// The sentinels. What each means is told where the root package exports it.
var (
	ErrInvalid     = errors.New("invalid argument")
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("already exists")
	ErrNotActive   = errors.New("not active")
	ErrOutside     = errors.New("outside the store")
	ErrUnsupported = errors.New("unsupported")
	ErrCorrupt     = errors.New("corrupt")
	ErrBusy        = errors.New("busy")
	ErrReadOnly    = errors.New("read-only store")
	ErrNotDurable  = errors.New("done but not durable")
	ErrClosed      = errors.New("store is closed")
	ErrUnconfirmed = errors.New("perhaps done: the answer was lost")
)

// The codes that a Reason names because its sentinel alone does not tell them; mlruns.Code has all.
const (
	CodeInternal     = "INTERNAL_ERROR"
	CodeInvalidState = "INVALID_STATE"
	CodeNotFound     = "RESOURCE_DOES_NOT_EXIST"
)

// Reason is a refusal in MLflow's words: the text and the code that MLflow 3.11 gives, and the
// sentinel it belongs to.
type Reason struct {
	// Kind is the sentinel that errors.Is finds.
	Kind error
	// Code is MLflow's code; "" means the code that belongs to the sentinels of the error.
	Code string
	// Text is the message, without the operation.
	Text string
	// Cause is the error underneath, nil if none.
	Cause error
}

// Error gives the text.
func (r *Reason) Error() string { return r.Text }

// Unwrap gives the sentinel and the cause.
func (r *Reason) Unwrap() []error {
	if r.Cause == nil {
		return []error{r.Kind}
	}
	return []error{r.Kind, r.Cause}
}

// Invalid makes the reason most refusals have: ErrInvalid, which has the code
// INVALID_PARAMETER_VALUE, and text.
func Invalid(text string) error { return &Reason{Kind: ErrInvalid, Text: text} }
