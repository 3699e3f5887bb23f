package settings

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzFile gives phpsapi.yaml any text: it is an error or settings, whose lines -tt can show and whose pools can be asked for.
func FuzzFile(f *testing.F) {
	f.Add("http: {listen: [':80'], root: /srv}\nsites: [{root: /srv, hosts: [x]}]\n")
	f.Add("pools: {www: {sandbox: {mode: strict, read: [a, b]}, script_owners: self, listen: {allowed_users: [1]}}}")
	f.Add("pools: {www: {worker: {script: x, env: {A: b}}, engine: 8.4}}\nhttp: &a {tls: {listen: ':1'}}\nsites: *a")
	f.Add("pools: {www: {sandbox: }}")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "phpsapi.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Source{File: file}.Load()
		if err != nil {
			return
		}
		s.Lines()
		s.Engines([]string{"www"}, Overrides{})
		if all, err := s.Protections([]string{"www"}, Overrides{}); err == nil && all["www"] != nil && all["www"].Sandbox != "off" && !all["www"].NoNewPrivs {
			t.Errorf("a sandbox without no_new_privs: %+v", all["www"])
		}
	})
}
