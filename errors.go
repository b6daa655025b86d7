package mlruns

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/mlruns/mlruns/internal/failure"
)

// Sentinels for arguments and state: the call was refused and nothing changed. CodeOf gives each a
// code of MLflow's.
var (
	// ErrInvalid is returned when an argument breaks a rule. The text names the field, the value
	// and the rule; correct it and call again.
	ErrInvalid = failure.ErrInvalid
	// ErrNotFound is returned when the experiment, run, tag or artifact named does not exist.
	ErrNotFound = failure.ErrNotFound
	// ErrExists is returned when the name or id to be made is taken.
	ErrExists = failure.ErrExists
	// ErrNotActive is returned when a deleted experiment or run is written to. Restore it first.
	ErrNotActive = failure.ErrNotActive
	// ErrOutside is returned when a path, link or artifact location leads out of the store and of
	// the directories the caller allowed.
	ErrOutside = failure.ErrOutside
	// ErrUnsupported is returned when the store, the platform or the file system has no such
	// feature.
	ErrUnsupported = failure.ErrUnsupported
)

// Sentinels for the state of the store or of the machine.
var (
	// ErrCorrupt is returned when the file that an operation depends on cannot be understood.
	// Verify names all such files.
	ErrCorrupt = failure.ErrCorrupt
	// ErrBusy is returned when a lock was not free before the deadline, or a server could not be
	// reached or had no time. Calling again is safe.
	ErrBusy = failure.ErrBusy
	// ErrReadOnly is returned by every write to a store that was opened read-only.
	ErrReadOnly = failure.ErrReadOnly
	// ErrNotDurable is returned when the effect stands but could not be made durable, a failed
	// fsync for instance. It wraps the cause.
	ErrNotDurable = failure.ErrNotDurable
	// ErrUnconfirmed is returned when a write was sent to a server and its answer never came: it
	// may stand or not. Where calling again would do no harm the error is an ErrBusy too.
	ErrUnconfirmed = failure.ErrUnconfirmed
	// ErrClosed is returned by every call on a closed store.
	ErrClosed = failure.ErrClosed
)

// Code is MLflow's name of a kind of errors, as its REST interface sends it.
type Code string

// The codes that CodeOf gives, by their names in MLflow, each with the errors that have it. Where
// MLflow 3.11 gives another one for a refusal, that counts: INTERNAL_ERROR for the name of an
// unknown status, for instance.
const (
	CodeInternal         Code = "INTERNAL_ERROR"          // all without a code of their own, ErrNotDurable, ErrUnconfirmed and ErrClosed too
	CodeInvalidParameter Code = "INVALID_PARAMETER_VALUE" // ErrInvalid, ErrOutside, ErrNotActive
	CodeInvalidState     Code = "INVALID_STATE"           // ErrCorrupt
	CodeNotFound         Code = "RESOURCE_DOES_NOT_EXIST" // ErrNotFound
	CodeExists           Code = "RESOURCE_ALREADY_EXISTS" // ErrExists
	CodeFeatureDisabled  Code = "FEATURE_DISABLED"        // ErrUnsupported
	CodeUnavailable      Code = "TEMPORARILY_UNAVAILABLE" // ErrBusy
	CodePermissionDenied Code = "PERMISSION_DENIED"       // ErrReadOnly, fs.ErrPermission
)

// Error says which operation failed on what. Every error of a store is one, or wraps one, except
// the context's own.
type Error struct {
	// Op is the operation, "log metric" for instance.
	Op string
	// ID is the id or name the operation was about, "" if none.
	ID string
	// Path is the file concerned, relative to the store's root and with slashes, "" if none.
	Path string
	// Err is why it failed, never nil: it has the sentinel.
	Err error
}

// Error gives "op id: path: reason".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.ID != "" {
		b.WriteByte(' ')
		b.WriteString(printable(e.ID))
	}
	if e.Path != "" {
		b.WriteString(": ")
		b.WriteString(printable(e.Path))
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf gives MLflow's code for err: INTERNAL_ERROR for errors that MLflow has no code for, "" for
// nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if unsupported := (*UnsupportedRegistryError)(nil); errors.As(err, &unsupported) {
		return CodeFeatureDisabled
	}
	if r := (*failure.Reason)(nil); errors.As(err, &r) && r.Code != "" {
		return Code(r.Code)
	}
	for _, c := range codes {
		if errors.Is(err, c.kind) {
			return c.code
		}
	}
	return CodeInternal
}

var codes = []struct {
	kind error
	code Code
}{
	{ErrInvalid, CodeInvalidParameter},
	{ErrOutside, CodeInvalidParameter},
	{ErrNotActive, CodeInvalidParameter},
	{ErrNotFound, CodeNotFound},
	{ErrExists, CodeExists},
	{ErrUnsupported, CodeFeatureDisabled},
	{ErrBusy, CodeUnavailable},
	{ErrReadOnly, CodePermissionDenied},
	{ErrCorrupt, CodeInvalidState},
	{fs.ErrPermission, CodePermissionDenied},
}

// MessageOf gives the message of err without the operation and the path, in MLflow 3.11's words
// where MLflow refuses the same: what belongs beside the code in a JSON error. It is err.Error()
// where there is no such message, "" for nil.
func MessageOf(err error) string {
	if err == nil {
		return ""
	}
	if r := (*failure.Reason)(nil); errors.As(err, &r) {
		return r.Text
	}
	if unsupported := (*UnsupportedRegistryError)(nil); errors.As(err, &unsupported) {
		return unsupported.Error()
	}
	return err.Error()
}
