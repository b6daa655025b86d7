//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// python is a process with one version of MLflow that answers requests, see python/driver.py.
type python struct {
	// name is the version as pins/ names it; mlflow the installed one, such as 2.9.2.
	name, mlflow string
	interpreter  string

	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	answers int
}

// refusal is an exception of Python's.
type refusal struct{ Type, Code, Message string }

func (r *refusal) Error() string {
	return fmt.Sprintf("%s(%s): %s", r.Type, r.Code, r.Message)
}

func startPython(name, interpreter string) (*python, error) {
	p := &python{name: name, interpreter: interpreter, cmd: exec.Command(interpreter, "-W", "ignore", "python/driver.py")}
	p.cmd.Stderr = os.Stderr
	p.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUTF8=1")
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 1<<20)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	var version struct{ MLflow, Python, YAML string }
	if err := p.ask("version", nil, &version); err != nil {
		return nil, err
	}
	p.mlflow = version.MLflow
	return p, nil
}

func (p *python) stop() error {
	p.in.Close()
	return p.cmd.Wait()
}

// ask calls a function of the driver. Exceptions are *refusal.
func (p *python) ask(do string, arguments map[string]any, result any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	request := map[string]any{"do": do}
	for name, value := range arguments {
		request[name] = value
	}
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err = p.in.Write(append(line, '\n')); err != nil {
		return err
	}
	if line, err = p.out.ReadBytes('\n'); err != nil {
		return fmt.Errorf("MLflow %s ended while asked to %s: %w", p.name, do, err)
	}
	var answer struct {
		Result json.RawMessage
		Error  *refusal
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	p.answers++
	return json.Unmarshal(answer.Result, result)
}

// must is ask where an exception fails the test.
func (p *python) must(t *testing.T, do string, arguments map[string]any, result any) {
	t.Helper()
	if err := p.ask(do, arguments, result); err != nil {
		t.Fatalf("MLflow %s: %s: %v", p.mlflow, do, err)
	}
}

// since reports whether this is MLflow major.minor or newer.
func (p *python) since(major, minor int) bool {
	parts := strings.SplitN(p.mlflow, ".", 3)
	a, _ := strconv.Atoi(parts[0])
	b, _ := strconv.Atoi(parts[1])
	return a > major || a == major && b >= minor
}
