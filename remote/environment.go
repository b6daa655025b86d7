package remote

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mlruns/mlruns/internal/failure"
)

// What MLflow's client takes from its environment.

// fromEnvironment gives the options that MLflow's environment variables name.
func fromEnvironment() (options, error) {
	o := options{retries: 7, firstWait: 200 * time.Millisecond, timeout: 120 * time.Second, workspace: os.Getenv("MLFLOW_WORKSPACE")}
	signs, err := isTrue("MLFLOW_TRACKING_AWS_SIGV4")
	if err != nil {
		return o, err
	}
	for name, set := range map[string]bool{"MLFLOW_TRACKING_AUTH": os.Getenv("MLFLOW_TRACKING_AUTH") != "", "MLFLOW_TRACKING_AWS_SIGV4": signs} {
		if set {
			return o, &failure.Reason{Kind: failure.ErrUnsupported, Text: name + " is set: requests are signed by a program in Python there. Give a transport that does it: remote.WithTransport"}
		}
	}
	for _, v := range [...]struct {
		name, rule string
		zero       bool
		to         *time.Duration
	}{
		{"MLFLOW_HTTP_REQUEST_TIMEOUT", "it must be a number of seconds above 0", false, &o.timeout},
		{"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "it must be a number of seconds, 0 or more", true, &o.firstWait},
	} {
		if value := os.Getenv(v.name); value != "" {
			n, bad := strconv.ParseFloat(value, 64)
			if bad != nil || !(n > 0 && n < 1e6 || n == 0 && v.zero) {
				return o, badVariable(v.name, value, v.rule)
			}
			*v.to = time.Duration(n * float64(time.Second))
		}
	}
	if value := os.Getenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES"); value != "" {
		if o.retries, err = strconv.Atoi(value); err != nil || o.retries < 0 || o.retries > 100 {
			return o, badVariable("MLFLOW_HTTP_REQUEST_MAX_RETRIES", value, "it must be a number from 0 to 100")
		}
	}
	o.authorization, err = credentials()
	return o, err
}

func badVariable(name, value, rule string) error {
	return failure.Invalid(fmt.Sprintf("Invalid value '%s' of the environment variable %s: %s", value, name, rule))
}

// isTrue reads a variable that is true or false. What is neither is refused: "off", taken for true,
// would trust anybody.
func isTrue(name string) (bool, error) {
	switch value := os.Getenv(name); strings.ToLower(value) {
	case "true", "1", "yes":
		return true, nil
	case "", "false", "0", "no":
		return false, nil
	default:
		return false, badVariable(name, value, "it must be true or false")
	}
}

// credentials are the user and password of the environment or of MLflow's file, else the token.
func credentials() (authorization string, err error) {
	user, password := os.Getenv("MLFLOW_TRACKING_USERNAME"), os.Getenv("MLFLOW_TRACKING_PASSWORD")
	if user == "" || password == "" {
		fileUser, filePassword, err := credentialsFile()
		if err != nil {
			return "", err
		}
		if user == "" {
			user = fileUser
		}
		if password == "" {
			password = filePassword
		}
	}
	if user != "" && password != "" {
		return basic(user, password), nil
	}
	return bearer(os.Getenv("MLFLOW_TRACKING_TOKEN")), nil
}

// bearer is "" without a token. What was read of a file, or of a secret, often ends in a line feed.
func bearer(token string) string {
	if token = strings.TrimSpace(token); token == "" {
		return ""
	}
	return "Bearer " + token
}

// checkHeaders refuses what no header can hold, before a request fails of it each time it is tried.
func (o *options) checkHeaders() error {
	for _, h := range [...]struct{ what, value string }{{"the token, MLFLOW_TRACKING_TOKEN or WithToken,", o.authorization}, {"MLFLOW_WORKSPACE", o.workspace}} {
		if strings.ContainsFunc(h.value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return failure.Invalid(h.what + " has a control character in it, such as a line feed, which no request can be sent with")
		}
	}
	return nil
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// credentialsFile reads ~/.mlflow/credentials, an INI file with the section [mlflow].
func credentialsFile() (user, password string, err error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", "", nil // then there is no such file either
	}
	f, err := os.Open(filepath.Join(home, ".mlflow", "credentials"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	defer func() { _ = f.Close() }()
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		end := strings.IndexAny(line, "=:")
		if end < 0 || section != "mlflow" || strings.HasPrefix(line, "#") {
			continue
		}
		value := strings.TrimSpace(line[end+1:])
		switch strings.ToLower(strings.TrimSpace(line[:end])) {
		case "mlflow_tracking_username":
			user = value
		case "mlflow_tracking_password":
			password = value
		}
	}
	return user, password, lines.Err()
}

// newTransport makes net/http's transport with the TLS that MLflow's variables ask for.
func newTransport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = 3 * time.Second // MLflow's server closes one after 5 s, and what is sent then is lost
	t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
		if res.StatusCode != http.StatusOK {
			return &proxyRefusal{proxy.Host, res.Status, res.StatusCode}
		}
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	insecure, err := isTrue("MLFLOW_TRACKING_INSECURE_TLS")
	if err != nil {
		return nil, err
	}
	ca := os.Getenv("MLFLOW_TRACKING_SERVER_CERT_PATH")
	if insecure {
		if ca != "" {
			return nil, failure.Invalid("MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH are both set: only one of them can be meant")
		}
		config.InsecureSkipVerify = true // that is what was asked for, by its name
	}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("MLFLOW_TRACKING_SERVER_CERT_PATH: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, badVariable("MLFLOW_TRACKING_SERVER_CERT_PATH", ca, "the file has no certificate in PEM form")
		}
	}
	if own := os.Getenv("MLFLOW_TRACKING_CLIENT_CERT_PATH"); own != "" {
		pair, err := tls.LoadX509KeyPair(own, own)
		if err != nil {
			return nil, fmt.Errorf("MLFLOW_TRACKING_CLIENT_CERT_PATH: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	t.TLSClientConfig = config
	return t, nil
}
