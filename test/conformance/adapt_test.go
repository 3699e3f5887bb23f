package main

import (
	"os"
	"path/filepath"
	"testing"
)

// 8.2's library of php-fpm's tests says "Deprecated" under 8.4, before every test.
func TestNullableParametersOfTheLibrary(t *testing.T) {
	src := t.TempDir()
	library := filepath.Join(src, "sapi/fpm/tests/tester.inc")
	if err := os.MkdirAll(filepath.Dir(library), 0o755); err != nil {
		t.Fatal(err)
	}
	given := `<?php
class Tester { private $sock = null; private ?string $host = null;
	function a(string $a = null, ?int $b = null, int|null $c = null, string|array $d = null,
		\Exception $e = null, $f = null, bool $g = false, array $h = []) {}
}`
	want := `<?php
class Tester { private $sock = null; private ?string $host = null;
	function a(null|string $a = null, ?int $b = null, int|null $c = null, null|string|array $d = null,
		null|\Exception $e = null, $f = null, bool $g = false, array $h = []) {}
}`
	if err := os.WriteFile(library, []byte(given), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := adapt(src); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(library); err != nil || string(got) != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
	}
}
