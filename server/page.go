package server

import (
	"bytes"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// MLflow's web page. Its files are those of an installed MLflow; here is only how they are sent.

// pagePolicy keeps the page to this server: nothing is loaded from elsewhere or sent there. Figures
// of plotly, which are drawn in a sandbox, have programs in them; and the pages before MLflow 3
// evaluate text as a program.
func pagePolicy(version string) string {
	scripts := "'self' 'unsafe-inline'"
	if major, _, _ := strings.Cut(version, "."); major == "" || major == "1" || major == "2" {
		scripts += " 'unsafe-eval'"
	}
	return "default-src 'self'; script-src " + scripts + "; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; " +
		"media-src 'self' data: blob:; connect-src 'self'; frame-src 'self' blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'self'"
}

// settingsName is a file of ours among those of the page.
const settingsName = "mlruns-settings.js"

// settings has the page open on runs, where MLflow 3 opens on traces, and keeps its assistant
// closed. What somebody has chosen stays.
const settings = `(function () {
  var defaults = {
    "mlflow.workflowType_v1": '"machine_learning"',
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.assistant.panelOpen_v1": "false"
  };
  try {
    Object.keys(defaults).forEach(function (key) {
      if (localStorage.getItem(key) === null) localStorage.setItem(key, defaults[key]);
    });
  } catch (e) {}
})();
`

// noPage is what a browser gets where there is no page.
const noPage = `<!doctype html><meta charset="utf-8"><title>mlruns</title>
<h1>mlruns</h1>
<p>This is MLflow's REST interface. Connect with <code>mlflow.set_tracking_uri("…")</code>, with this address.</p>
<p>There is no page to look at here, because no installed MLflow was found. Install one (<code>pip install mlflow</code>) and start <code>mlruns serve</code> again,
or name its folder <code>mlflow/server/js/build</code> with <code>--ui DIR</code>.</p>
`

func (s *server) pageIndex(w http.ResponseWriter, r *http.Request, _ string) {
	index := []byte(noPage)
	if s.options.page != nil {
		content, err := fs.ReadFile(s.options.page, "index.html")
		if err != nil {
			s.refuse(w, r, &refusal{http.StatusNotFound, codeNoEndpoint, "The page has no index.html"})
			return
		}
		script := []byte(`<head><script src="static-files/` + settingsName + `"></script>`)
		index = bytes.Replace(content, []byte("<head>"), script, 1)
	}
	w.Header().Set("Content-Security-Policy", s.options.policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(index))
}

// pageTypes are the types of the page's files. A file of another type is none of them.
var pageTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".json": "application/json", ".map": "application/json",
	".svg": "image/svg+xml", ".png": "image/png", ".gif": "image/gif", ".jpg": "image/jpeg", ".ico": "image/x-icon", ".webp": "image/webp", ".wasm": "application/wasm",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".eot": "application/vnd.ms-fontobject", ".txt": "text/plain; charset=utf-8",
}

// pageFile sends a file of the page. Their names change with their content, so they may be kept.
func (s *server) pageFile(w http.ResponseWriter, r *http.Request, rest string) {
	kind := pageTypes[strings.ToLower(path.Ext(rest))]
	if s.options.page == nil || kind == "" || !fs.ValidPath(rest) {
		s.noEndpoint(w, r, r.URL.Path)
		return
	}
	content := []byte(settings)
	if rest != settingsName {
		var err error
		if content, err = fs.ReadFile(s.options.page, rest); err != nil {
			s.noEndpoint(w, r, r.URL.Path)
			return
		}
		w.Header().Set("Cache-Control", "private, max-age=2419200")
	}
	w.Header().Set("Content-Security-Policy", s.options.policy)
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
