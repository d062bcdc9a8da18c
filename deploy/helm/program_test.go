package helm

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// TestProgramDoesWhatTheChartSays gives the program what the chart would: variables, secrets and arguments of each pod. It
// migrates, applies, serves, answers the probes and ends within the time that it is given. Paths lead into a folder of the
// test, both ports are free ones, and the database is SQLite's.
func TestProgramDoesWhatTheChartSays(t *testing.T) {
	program := filepath.Join(t.TempDir(), "idp")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./cmd/idp")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	for name, values := range both {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits five seconds while its server lets go
			c := chart(t, values)
			p := newCluster(t, program, values)
			p.run(t, c.deployment.Spec.Template.Spec, "config", "check")
			for _, job := range slices.Backward(slices.Sorted(maps.Keys(c.jobs))) { // migrate, apply
				spec := c.jobs[job].Spec.Template.Spec
				p.run(t, spec, spec.Containers[0].Args...)
			}
			p.serve(t, c.deployment.Spec.Template.Spec)
		})
	}
}

// cluster is a folder in which the paths of a pod are, and the addresses that stand for its ports.
type cluster struct {
	root, program    string
	public, operator string
}

func newCluster(t *testing.T, program, values string) *cluster {
	t.Helper()
	c := &cluster{root: t.TempDir(), program: program, public: free(t), operator: free(t)}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	secrets := map[string]string{
		"database": "sqlite:" + filepath.Join(c.root, "idp.db"), "masterKeys": base64.StdEncoding.EncodeToString(key),
		"smtpPassword": "secret", "smsFirstToken": "secret", "smsSecondToken": "secret",
		"smsFirstReportSecret": strings.Repeat("a", 32), "smsSecondReportSecret": strings.Repeat("b", 32),
	}
	for name, text := range secrets {
		c.write(t, "run/secrets/idp/"+name, text)
	}
	c.certificate(t)
	c.write(t, "etc/idp/platforms/platforms.yaml", `
platforms:
  - name: linde
    issuer: https://linde.example.org
    organisation: GGZ De Linde
    home_url: https://linde.example.net
    parties:
      - {client_id: linde-web, name: De Linde, redirect_uris: ["https://linde.example.net/callback"], secret_file: portal-secret}
`)
	c.write(t, "etc/idp/platforms/portal-secret", strings.Repeat("s", 40))
	c.write(t, "var/lib/idp/list", "password\n")
	if strings.Contains(values, "passwords.filter") {
		dir := c.root + "/var/lib/idp"
		made, err := exec.Command(program, "passwords", "build-filter", dir+"/list", dir+"/passwords.filter").CombinedOutput()
		if err != nil {
			t.Fatalf("passwords build-filter: %v\n%s", err, made)
		}
	}
	return c
}

// write makes a file as Kubernetes mounts it: readable for its owner and group.
func (c *cluster) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(c.root, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o440)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// certificate writes a certificate of the nodes' own, valid for an hour.
func (c *cluster) certificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"linde.example.org"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "run/tls/tls.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	c.write(t, "run/tls/tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// free is an address of this machine at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it was only asked for its address
	return l.Addr().String()
}

// command is the program in a pod's surroundings: its variables, and no others.
func (c *cluster) command(ctx context.Context, spec corev1.PodSpec, args ...string) *exec.Cmd {
	inside := func(path string) string {
		for _, top := range []string{"/run/", "/etc/", "/var/lib/"} {
			if strings.HasPrefix(path, top) {
				return c.root + path
			}
		}
		return path
	}
	cmd := exec.CommandContext(ctx, c.program)
	for _, arg := range args {
		cmd.Args = append(cmd.Args, inside(arg))
	}
	for name, value := range environment(spec) {
		switch name {
		case "IDP_LISTEN":
			value = c.public
		case "IDP_OPERATOR_LISTEN":
			value = c.operator
		default:
			value = inside(value)
		}
		if !strings.HasPrefix(name, "OTEL_") { // there is no collector
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if dir := spec.Containers[0].WorkingDir; dir != "" {
		cmd.Dir = inside(dir)
	}
	return cmd
}

func (c *cluster) run(t *testing.T, spec corev1.PodSpec, args ...string) {
	t.Helper()
	if out, err := c.command(t.Context(), spec, args...).CombinedOutput(); err != nil {
		t.Fatalf("idp %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// serve starts the server, asks what the probes ask, and tells it to stop.
func (c *cluster) serve(t *testing.T, spec corev1.PodSpec) {
	t.Helper()
	container := spec.Containers[0]
	server := c.command(t.Context(), spec, container.Args...)
	var log strings.Builder
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for _, probe := range []*corev1.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
		if err := c.ask(probe); err != nil {
			_ = server.Process.Kill()
			<-ended
			t.Fatalf("%v\n%s", err, log.String())
		}
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("stopped with %v\n%s", err, log.String())
		}
	case <-time.After(time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second):
		_ = server.Process.Kill()
		<-ended
		t.Errorf("it would have been killed\n%s", log.String())
	}
}

// ask asks for a minute until the answer is 200: the machine may be busy.
func (c *cluster) ask(probe *corev1.Probe) error {
	if port := probe.HTTPGet.Port.StrVal; port != "operator" {
		return fmt.Errorf("a probe asks the port %s", port)
	}
	client := &http.Client{Timeout: time.Duration(probe.TimeoutSeconds) * time.Second}
	for until := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		answer, err := client.Get("http://" + c.operator + probe.HTTPGet.Path)
		if err == nil {
			_ = answer.Body.Close() // only its status counts
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("%s answers %s", probe.HTTPGet.Path, answer.Status)
		}
		if time.Now().After(until) {
			return err
		}
	}
}
