//go:build unix

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// selfSigned writes a certificate for localhost and its key.
func selfSigned(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{cert: certText, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certText)
	return cert, key, pool
}

// TestServeTLS serves HTTPS with a token that is in a file.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := selfSigned(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("T0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServing(t, filepath.Join(t.TempDir(), "m"), "--tls-cert", cert, "--tls-key", key, "--token-file", token, "--no-access-log")
	if !strings.HasPrefix(s.uri, "https://127.0.0.1:") {
		t.Fatalf("it says %s", s.uri)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	for header, want := range map[string]int{"": 401, "Bearer T0ken": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.uri+"/api/2.0/mlflow/experiments/get?experiment_id=0", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("with %q answered %d, want %d", header, res.StatusCode, want)
		}
	}
}

// TestBoundedListener lets a connection in when there is a place for it, and not before.
func TestBoundedListener(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bounded := newConnections(2).bound(l)
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := bounded.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	for range 3 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	first := <-accepted
	<-accepted
	select {
	case <-accepted:
		t.Error("a third connection is let in where there are two places")
	case <-time.After(50 * time.Millisecond):
	}
	for range 2 { // closing twice frees one place
		_ = first.Close()
	}
	select {
	case <-accepted:
	case <-time.After(5 * time.Second):
		t.Error("the place of a closed connection is not given to the next")
	}
	_ = l.Close()
}
