package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// numbers is a program with words that hold addresses, some of which stand where Go's data would. It prints how many are right before its
// constructors, and then once relocate_go was called.
const numbers = `
#include <stdio.h>
#include <unistd.h>

#include "boot_relocations.h"

#define TEN(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, x + 9
#define HUNDRED(x) TEN(x), TEN(x + 10), TEN(x + 20), TEN(x + 30), TEN(x + 40), TEN(x + 50), TEN(x + 60), TEN(x + 70), TEN(x + 80), TEN(x + 90)

static char letters[4000];
static char *writable[] = {HUNDRED(letters), HUNDRED(letters + 100), HUNDRED(letters + 200)};

/* One after the other, as the compiler is told to leave them. */
char *const before[] = {HUNDRED(letters), 0};
char *const gap1[1000] = {[500] = letters};
char *const types[] __asm__("runtime.types") = {HUNDRED(letters), 0, 0, 0, 0, HUNDRED(letters + 104)};
char *const gap2[1000] = {[500] = letters};
char *const itablink[] __asm__("runtime.itablink") = {HUNDRED(letters)};
char *const gap3[1000] = {[500] = letters};
char *const behind[] = {HUNDRED(letters)};

static int right(char *const volatile *words, int n)
{
	int i, count = 0;

	for (i = 0; i < n; i++) {
		count += words[i] == letters + i;
	}
	return count;
}

__attribute__((constructor)) static void constructor(void)
{
	printf("%d %d %d %d\n", right(writable, 300), right(before, 100), right(types, 204), right(behind, 100));
}

int main(void)
{
	relocate_go();
	printf("%d %d %d\n", right(types, 204), right(itablink, 100), gap1[500] == letters && gap2[500] == letters && gap3[500] == letters);
	fflush(stdout);
	*(char *volatile *)(void *)types = 0; /* it is read-only again: the program ends by a signal */
	puts("written");
	return 0;
}
`

func TestProgramEntersItsAddresses(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("make single is for amd64")
	}
	dir := t.TempDir()
	source, program := filepath.Join(dir, "numbers.c"), filepath.Join(dir, "numbers")
	if err := os.WriteFile(source, []byte(numbers), 0o644); err != nil {
		t.Fatal(err)
	}
	lifecycle := filepath.Join("..", "..", "lifecycle")
	out, err := exec.Command("cc", "-O2", "-fPIE", "-fno-toplevel-reorder", "-pie", "-Wl,-z,now,-z,relro,-z,pack-relative-relocs", "-I"+lifecycle, "-o", program,
		source, filepath.Join(lifecycle, "boot_relocations.c")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func() string {
		out, err := exec.Command(program).Output()
		if exit, _ := err.(*exec.ExitError); exit == nil || exit.Exited() {
			t.Errorf("it wrote into what is read-only: %v", err)
		}
		return string(out)
	}
	if said := run(); said != "300 100 200 100\n200 100 1\n" {
		t.Fatalf("as the linker left it, it says\n%s", said)
	}
	for _, when := range []string{"finished", "finished twice"} {
		if err := finish(program); err != nil {
			t.Fatal(err)
		}
		said := run()
		before, then, _ := strings.Cut(said, "\n")
		if before != "300 100 0 100" || then != "200 100 1\n" {
			t.Errorf("%s, it says\n%s", when, said)
		}
	}
}

func TestProgramThatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	source, program := filepath.Join(dir, "other.c"), filepath.Join(dir, "other")
	if err := os.WriteFile(source, []byte("int x, *y[] = {&x};\nint main(void) { return *y[0]; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("cc", "-fPIE", "-pie", "-Wl,-z,pack-relative-relocs", "-o", program, source).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := finish(program); err == nil || !strings.Contains(err.Error(), ".preinit_array") {
		t.Errorf("%v", err)
	}
	if err := finish(source); err == nil {
		t.Error("a text was taken for a program")
	}
}

func TestPages(t *testing.T) {
	var far []uint64
	for i := range uint64(ranges + 2) {
		far = append(far, i*i*pageSize*10, i*i*pageSize*10+8)
	}
	list := pages(far)
	if len(list) != ranges || list[0] != [2]uint64{0, 41 * pageSize} {
		t.Errorf("%d ranges of pages, the first %x", len(list), list[0])
	}
	for _, place := range far {
		if !slices.ContainsFunc(list, func(r [2]uint64) bool { return r[0] <= place && place < r[1] }) {
			t.Errorf("%x is in none of %x", place, list)
		}
	}
}
