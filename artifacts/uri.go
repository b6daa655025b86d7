package artifacts

import (
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

const fileScheme = "file"

// FileURI gives the file URI of an absolute path with slashes, as MLflow's path_to_local_file_uri
// does: every byte that is not a letter, a digit or one of "_.-~/" is escaped. "C:/x" becomes
// "file:///C:/x".
func FileURI(path string) string {
	if hasDrive(path) {
		return "file:///" + path[:2] + escape(path[2:])
	}
	return "file://" + escape(path)
}

// LocalPath gives the path, with slashes, that a file URI or a plain path means, as MLflow's
// local_file_uri_to_path does. Percent escapes are decoded in both, "/a%20b" is "/a b"; invalid
// ones stay as they are. The path of "file:x" and of "x" is relative. The query and the fragment of
// a file URI are dropped.
//
// A URI of another scheme is mlruns.ErrUnsupported; one that names another host is
// mlruns.ErrInvalid, as in MLflow ≥ 2.2. A single letter before a colon is the drive of a Windows
// path.
func LocalPath(uri string) (string, error) { return localPath(uri, runtime.GOOS) }

func localPath(uri, goos string) (string, error) {
	u := split(uri)
	switch u.scheme {
	case "":
		return toSlash(unescape(uri), goos), nil
	case fileScheme:
	default:
		return "", &failure.Reason{Kind: mlruns.ErrUnsupported,
			Text: fmt.Sprintf("Artifacts at a location of the scheme '%s' are not supported: only local files are. If they are in a directory here, say so with WithArtifactMapping(location, dir)", u.scheme)}
	}
	if !localHost(u.host) {
		return "", &failure.Reason{Kind: mlruns.ErrInvalid, Code: failure.CodeInternal,
			Text: uri + " is not a valid remote uri. For remote access on windows, please consider using a different scheme such as SMB (e.g. smb://<hostname>/<path>)."}
	}
	p := unescape(u.path)
	if goos == "windows" && strings.HasPrefix(p, "/") && hasDrive(p[1:]) {
		p = p[1:]
	}
	return toSlash(p, goos), nil
}

// Append extends the path of a location, as MLflow's append_to_uri_path does: a URI keeps its query
// and fragment, a plain path is joined with slashes, and a leading slash of a part is dropped.
// Nothing is escaped, decoded or cleaned. A ".." in the query is mlruns.ErrInvalid, however often
// it was escaped.
func Append(uri string, parts ...string) (string, error) {
	suffix := ""
	for _, p := range parts {
		suffix = join(suffix, p)
	}
	u := split(uri)
	if err := checkQuery(u.query); err != nil {
		return "", err
	}
	if u.scheme == "" {
		return join(uri, suffix), nil
	}
	u.path = join(u.path, suffix)
	if u.authority && !strings.HasPrefix(u.path, "/") {
		u.path = "/" + u.path
	}
	// Python's urlunparse writes every absolute file URI with an authority.
	u.authority = u.authority || u.scheme == fileScheme && strings.HasPrefix(u.path, "/")
	return u.String(), nil
}

// Absolute makes a relative local location absolute, as MLflow ≥ 2.2 does when an experiment is
// made: "mr" is "<cwd>/mr", "file:mr" is "file://<cwd>/mr". cwd is an absolute path with slashes.
// On Windows both become URIs, for a drive would read as a scheme. Every other location, ""
// included, is returned as it is. A file URI of another host is mlruns.ErrInvalid.
//
// Unlike MLflow, a result is escaped where it would otherwise be decoded to something else.
func Absolute(location, cwd string) (string, error) {
	return absolute(location, cwd, runtime.GOOS)
}

func absolute(location, cwd, goos string) (string, error) {
	u := split(location)
	if location == "" || u.scheme != "" && u.scheme != fileScheme {
		return location, nil
	}
	local, err := localPath(location, goos)
	if err != nil || IsAbs(local) {
		return location, err
	}
	joined := path.Join(cwd, local)
	switch {
	case u.scheme == fileScheme:
		return FileURI(joined) + u.tail(), nil
	case goos == "windows":
		return FileURI(joined), nil
	}
	return protect(joined), nil
}

func localHost(host string) bool {
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	host = strings.ToLower(host)
	return host == "" || host == "." || strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.0.0.1")
}

// checkQuery refuses what a server could take for a way upwards.
func checkQuery(query string) error {
	const decodings = 10 // MLflow's limit
	for range decodings {
		next := unescape(query)
		if next == query {
			break
		}
		query = next
	}
	if strings.Contains(query, "..") || unescape(query) != query {
		return failure.Invalid("Invalid query string")
	}
	return nil
}

// join is posixpath.join of a prefix and a suffix made relative.
func join(prefix, suffix string) string {
	if prefix == "" {
		return suffix
	}
	suffix = strings.TrimLeft(suffix, "/")
	if strings.HasSuffix(prefix, "/") {
		return prefix + suffix
	}
	return prefix + "/" + suffix
}

// IsAbs reports whether a path with slashes is absolute, on this system or on another: "C:/x" is.
func IsAbs(p string) bool {
	return strings.HasPrefix(p, "/") || hasDrive(p) && strings.HasPrefix(p[2:], "/")
}

// hasDrive reports whether p begins with a Windows drive: "C:", "C:/…" or "C:\…".
func hasDrive(p string) bool {
	return len(p) >= 2 && letter(p[0]) && p[1] == ':' && (len(p) == 2 || p[2] == '/' || p[2] == '\\')
}

// toSlash changes the separators of a Windows path, which a store may have recorded on another
// machine.
func toSlash(p, goos string) string {
	if goos == "windows" || hasDrive(p) {
		return strings.ReplaceAll(p, `\`, "/")
	}
	return p
}
