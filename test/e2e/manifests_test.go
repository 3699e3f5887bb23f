//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// The manifests of packaging/deploy are what Kubernetes takes, by its own schemas, which are in the tool. A field with a wrong name or a value of a wrong kind
// is found.
func TestManifests(t *testing.T) {
	validate := func(path string) (string, error) {
		cmd := exec.Command("go", "tool", "-modfile=packaging/manifests/go.mod", "kubectl-validate", "--version", "1.30", path)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "KUBECONFIG=/nonexistent")
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	manifests, err := filepath.Abs("../../packaging/deploy/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	if said, err := validate(manifests); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	dir := processes.Dir(t)
	for _, c := range []struct{ file, right, wrong, said string }{
		{"phpsapi.yaml", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:", "securityContext.readOnlyRootFileSystem: Invalid value: value provided for unknown field"},
		{"phpsapi.yaml", "replicas: 3", "replicas: three", "spec.replicas in body must be of type integer"},
		{"phpsapi.yaml", "minAvailable: 2", "minAvailible: 2", "spec.minAvailible: Invalid value: value provided for unknown field"},
		{"scale.yaml", "scaleTargetRef:", "targetRef:", "spec.targetRef: Invalid value: value provided for unknown field"},
	} {
		text, err := os.ReadFile(filepath.Join(manifests, c.file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.right) {
			t.Fatalf("%s lacks %q", c.file, c.right)
		}
		wrong := filepath.Join(dir, c.file)
		if err := os.WriteFile(wrong, []byte(strings.Replace(string(text), c.right, c.wrong, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if said, err := validate(wrong); err == nil || !strings.Contains(said, c.said) {
			t.Errorf("%s with %q: %v\n%s", c.file, c.wrong, err, said)
		}
	}
}
