package server_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mlruns/mlruns/server"
)

func TestPage(t *testing.T) {
	build := fstest.MapFS{
		"index.html":              {Data: []byte(`<!doctype html><html><head><title>MLflow</title></head><body><script src="static-files/static/js/main.1.js"></script></body></html>`)},
		"static/js/main.1.js":     {Data: []byte("main()")},
		"static/css/main.css":     {Data: []byte("a{}")},
		"static/media/logo.1.svg": {Data: []byte("<svg/>")},
		"secret.py":               {Data: []byte("x")},
	}
	a := serve(t, server.WithPage(build, "3.17.2"))
	index := a.send("GET", "/", "")
	if index.status != 200 || !strings.Contains(index.body, `<head><script src="static-files/mlruns-settings.js"></script><title>MLflow`) || !strings.Contains(index.header.Get("Content-Security-Policy"), "default-src 'self'; ") || index.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("/: %+v", index)
	}
	for path, kind := range map[string]string{"static/js/main.1.js": "text/javascript; charset=utf-8", "static/css/main.css": "text/css; charset=utf-8", "static/media/logo.1.svg": "image/svg+xml", "mlruns-settings.js": "text/javascript; charset=utf-8"} {
		got := a.send("GET", "/static-files/"+path, "")
		if got.status != 200 || got.header.Get("Content-Type") != kind || got.body == "" || got.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %+v", path, got)
		}
	}
	for _, path := range []string{"none.js", "", "static", "static/js/", "secret.py", "../secret.js", "%2e%2e/x.js", "/etc/passwd", "static//js/main.1.js", `..%5cx.js`} {
		if got := a.send("GET", "/static-files/"+path, ""); got.status != 404 && got.body != "main()" {
			t.Errorf("%s is answered %d %s", path, got.status, got.body)
		}
	}
	// nothing is loaded from elsewhere, whatever a build says
	for directive := range strings.SplitSeq(index.header.Get("Content-Security-Policy"), ";") {
		for source := range strings.FieldsSeq(directive) {
			if strings.Contains(source, ".") || strings.Contains(source, "*") || source == "http:" || source == "https:" {
				t.Errorf("the policy allows %s", directive)
			}
		}
	}
	for version, evaluates := range map[string]bool{"3.17.2": false, "2.22.1": true, "1.30.1": true, "": true} {
		policy := serve(t, server.WithPage(build, version)).send("GET", "/", "").header.Get("Content-Security-Policy")
		if strings.Contains(policy, "'unsafe-eval'") != evaluates {
			t.Errorf("the page of %q may evaluate texts by %s, want %v", version, policy, evaluates)
		}
	}
	without := serve(t)
	if got := without.send("GET", "/", ""); got.status != 200 || !strings.Contains(got.body, "--ui DIR") || got.header.Get("Content-Security-Policy") == "" {
		t.Errorf("without a page: %+v", got)
	}
	if got := without.send("GET", "/static-files/x.js", ""); got.status != 404 {
		t.Errorf("without a page a file is answered %d", got.status)
	}
}
