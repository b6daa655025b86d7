package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// serveFlags are those of "mlruns serve".
type serveFlags struct {
	host, socket    string
	port            uint16
	readOnly        bool
	ui              string
	tokenFile       string
	noAuth          bool
	hosts, origins  []string
	artifacts       choiceFlag
	tlsCert, tlsKey string
	idle, unused    time.Duration
	noLog           bool
	metrics         bool

	// what the flags name, read by check
	token string
	page  foundPage
	tls   *tls.Config
}

// tokenVariable is the environment variable that holds the token where no file is named.
const tokenVariable = "MLRUNS_SERVE_TOKEN"

func (a *app) serve() *cobra.Command {
	f := serveFlags{artifacts: choiceFlag{"proxy", []string{"proxy", "direct", "local"}}}
	cmd := a.verb("serve", "Answer MLflow's clients and show its web page, as an MLflow server does", noArgs, func(ctx context.Context, args []string) error {
		if err := f.check(); err != nil {
			return err
		}
		do := onFolder(func(ctx context.Context, s *session, _ []string) error { return a.serveStore(ctx, s, &f) })
		if f.readOnly {
			return a.reading(do)(ctx, args)
		}
		return a.making(do, filestore.WithTruncation())(ctx, args)
	})
	cmd.Long = `Answer MLflow's Python, R and Java clients and show MLflow's web page, as "mlflow server" does, from
the files of a store. Connect with mlflow.set_tracking_uri("http://127.0.0.1:5000").

Only programs on this machine can connect, and a page of another site that your browser shows
cannot. Every user of the machine can, unless there is a token. An address for other machines needs
one, in a file or in ` + tokenVariable + `; clients send it when MLFLOW_TRACKING_TOKEN is set, and a
browser asks for it as a password.

The page is that of an installed mlflow, of any version from 1.30 on. It is looked for in the
environment that is active, beside the mlflow of PATH, and in ~/.local.

Interrupt it once to let the requests under way end, twice to end at once.`
	flags := cmd.Flags()
	flags.StringVar(&f.host, "host", "127.0.0.1", "the `ADDRESS` to listen at")
	flags.Uint16Var(&f.port, "port", 5000, "the `PORT` to listen at; 0 chooses a free one")
	flags.StringVar(&f.socket, "socket", "", "listen at this Unix socket `FILE`, which nobody else can open, instead of an address")
	flags.BoolVar(&f.readOnly, "read-only", false, "refuse all that writes")
	flags.StringVar(&f.ui, "ui", "auto", "the web page: auto, none, or the `DIR` of an installed mlflow or of its environment")
	flags.StringVar(&f.tokenFile, "token-file", "", "demand the token in this `FILE`")
	flags.BoolVar(&f.noAuth, "insecure-no-auth", false, "listen at an address for other machines without a token")
	flags.StringArrayVar(&f.hosts, "allowed-host", nil, "a `NAME` by which the server may be asked, beside localhost (repeatable)")
	flags.StringArrayVar(&f.origins, "allowed-origin", nil, "an `ORIGIN` such as https://ml.example.com whose pages may ask (repeatable)")
	flags.Var(&f.artifacts, "artifacts", "how clients reach artifacts: through the server, where they are recorded, or, on this machine, where they are")
	flags.Var(&destinationFlag{&a.mappings}, "artifacts-destination", "the `DIR` in which mlflow server kept artifacts: short for --map-artifacts mlflow-artifacts:=DIR")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "serve HTTPS with the certificate in this `FILE`")
	flags.StringVar(&f.tlsKey, "tls-key", "", "the `FILE` with the certificate's key")
	flags.DurationVar(&f.idle, "idle-timeout", 0, "end when nothing was asked for this `TIME`, such as 10m; 0 never ends")
	flags.DurationVar(&f.unused, "unused-timeout", 0, "end when nobody was connected for this `TIME`, such as 5s; who is connected stays so however little is asked; 0 never ends")
	flags.BoolVar(&f.metrics, "metrics", false, "answer /metrics with what Prometheus reads")
	flags.BoolVar(&f.noLog, "no-access-log", false, "print no line for each request")
	return cmd
}

// choiceFlag is a flag that takes one of some words.
type choiceFlag struct {
	chosen string
	words  []string
}

func (c *choiceFlag) String() string { return c.chosen }
func (c *choiceFlag) Type() string   { return strings.Join(c.words, "|") }

func (c *choiceFlag) Set(text string) error {
	for _, word := range c.words {
		if text == word {
			c.chosen = text
			return nil
		}
	}
	return fmt.Errorf("want %s", strings.Join(c.words, " or "))
}

// destinationFlag is --artifacts-destination, the name that mlflow server has for it.
type destinationFlag struct{ mappings *mappingsFlag }

func (d *destinationFlag) String() string { return "" }
func (d *destinationFlag) Type() string   { return "DIR" }

func (d *destinationFlag) Set(dir string) error { return d.mappings.Set(proxyLocation + "=" + dir) }

// proxyLocation begins the locations that mlflow server records.
const proxyLocation = "mlflow-artifacts:"

// check refuses flags that do not go together, and reads what they name, before a store is opened.
func (f *serveFlags) check() (err error) {
	switch {
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return &usageError{"--tls-cert and --tls-key go together"}
	case f.idle < 0 || f.unused < 0:
		return &usageError{"--idle-timeout, --unused-timeout: want a time that is not negative"}
	case f.idle > 0 && f.unused > 0:
		return &usageError{"--idle-timeout and --unused-timeout exclude each other"}
	}
	if f.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return &usageError{"--tls-cert, --tls-key: " + err.Error()}
		}
		f.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if f.token, err = f.readToken(); err != nil {
		return err
	}
	if f.token == "" && !f.noAuth && f.socket == "" && !isLoopback(f.host) {
		return &usageError{fmt.Sprintf("--host %s lets other machines connect, so a token is needed: name a file that holds one with --token-file, or set %s; "+
			"--insecure-no-auth lets all in who reach this machine", f.host, tokenVariable)}
	}
	f.page, err = findPage(f.ui)
	return err
}

func (f *serveFlags) readToken() (string, error) {
	if f.tokenFile == "" {
		return os.Getenv(tokenVariable), nil
	}
	text, err := os.ReadFile(f.tokenFile)
	if err != nil {
		return "", &usageError{"--token-file: " + err.Error()}
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", &usageError{"--token-file: want a file with one word"}
	}
	return token, nil
}

// servedShape is what "serve --json" prints once it listens.
type servedShape struct {
	URI   string `json:"uri"`
	Store string `json:"store"`
	// Page is the folder of the web page, "" if there is none.
	Page string `json:"page,omitempty"`
}

func (a *app) serveStore(ctx context.Context, s *session, f *serveFlags) error {
	idle := newIdleTimer(max(f.idle, f.unused))
	listeners, uri, err := f.listen()
	if err != nil {
		return err
	}
	opts := []server.Option{server.WithVersion(version()), server.WithHosts(f.hosts...), server.WithOrigins(f.origins...), server.WithToken(f.token)}
	if addr, err := netip.ParseAddr(f.host); err != nil || !addr.IsUnspecified() {
		opts = append(opts, server.WithHosts(f.host))
	}
	if f.page.dir != "" {
		opts = append(opts, server.WithPage(os.DirFS(f.page.dir), f.page.version))
	}
	switch f.artifacts.chosen {
	case "direct":
		opts = append(opts, server.WithDirectArtifacts())
	case "local":
		opts = append(opts, server.WithLocalArtifacts())
	}
	open := newConnections(mostConnections)
	if f.metrics {
		opts = append(opts, server.WithMetrics(open.count))
	}
	if !f.noLog {
		opts = append(opts, server.WithAccessLog(a.accessLog()))
	}
	if err := a.sayServed(s, servedShape{URI: uri, Store: s.URI(), Page: f.page.dir}, f); err != nil {
		return err
	}
	a.serving.Store(true)
	return f.answer(ctx, server.New(s.store, opts...), listeners, open, idle, a.errorLog())
}

// sayServed prints where the server listens, for the program that started it as well.
func (a *app) sayServed(s *session, served servedShape, f *serveFlags) error {
	if a.json {
		if err := a.printJSON(served); err != nil {
			return err
		}
		return a.out.Flush()
	}
	what := "none; install mlflow, or name one with --ui DIR"
	switch {
	case f.ui == "none":
		what = "none"
	case f.page.dir != "":
		what = fmt.Sprintf("that of mlflow %s in %s", orDash(f.page.version), f.page.dir)
	}
	fields := []field{{"store", s.URI()}, {"listens at", served.URI}}
	if f.socket == "" {
		fields = append(fields, field{"connect with", fmt.Sprintf("mlflow.set_tracking_uri(%q)", served.URI)})
	}
	if f.token != "" {
		fields = append(fields, field{"token", "needed: clients send MLFLOW_TRACKING_TOKEN, a browser asks for it as a password"})
	}
	a.fields("Serving", append(fields, field{"web page", what}))
	if f.token != "" && f.tls == nil && f.socket == "" && !isLoopback(f.host) {
		a.note("warning: without --tls-cert and --tls-key the token and all else can be read on the way")
	}
	return a.out.Flush()
}

// notExist reports whether a file is not there, or may as well not be.
func notExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
