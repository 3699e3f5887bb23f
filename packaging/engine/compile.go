package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// hardening are the distribution's own flags, as far as they protect.
const hardening = "-fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wformat -Werror=format-security"

// cflags are the flags of C. No symbol of the engine is ever another library's, and so calls within it need no table. Calls of other libraries
// read the address that the loader has found (-fno-plt), and do not jump to a place that does.
const cflags = "-O2 -g0 -fPIC " + hardening + " -fno-plt -fno-semantic-interposition -fvisibility=hidden -fno-strict-aliasing -fsigned-char " +
	"-DOPENSSL_SUPPRESS_DEPRECATED"

// cxxflags are those of C++, in which extensions alone are written. PHP's Makefile does not give it what make is told.
const cxxflags = "-O2 -g0 -fPIC " + hardening + " -fno-plt -fno-semantic-interposition"

// sharedAlone has libtool compile each source once, for shared objects. It would compile it again for an archive.
const sharedAlone = "--tag=disable-static"

// How the two passes of a profile compile. What was not trained is compiled as without a profile.
const (
	toTrain = "-fprofile-generate -fprofile-update=single -Wl,-u,__gcov_dump"
	trained = "-fprofile-use -fprofile-partial-training -fprofile-correction -Wno-missing-profile -Wno-coverage-mismatch"
)

// configureArguments are configure's, but for the extensions. The directories are the distribution's.
func (w *work) configureArguments() []string {
	triplet, _ := exec.Command("cc", "-print-multiarch").Output()
	arguments := []string{
		"-q", "--prefix=/usr", "--libdir=/usr/lib/php", "--datadir=/usr/share/php/" + w.php, "--sysconfdir=/etc", "--localstatedir=/var",
		"--with-layout=GNU", "--with-libdir=lib/" + strings.TrimSpace(string(triplet)),
		"--with-config-file-path=/etc/php/" + w.php + "/embed", "--with-config-file-scan-dir=/etc/php/" + w.php + "/embed/conf.d",
		"--disable-option-checking", "--disable-all", "--disable-debug", "--disable-rpath", "--disable-static", "--with-pic", "--without-pear",
		"--disable-cli", "--disable-cgi", "--disable-phpdbg", "--enable-embed=static",
	}
	if w.isPatched() {
		arguments = append(arguments, "--with-system-tzdata")
	}
	return append(append(arguments, core...), shared(w.extensions)...)
}

// isPatched reports whether the sources have the distribution's patches.
func (w *work) isPatched() bool {
	_, err := os.Stat(filepath.Join(w.src(), "debian", "patches", "series"))
	return err == nil
}

func (w *work) configure(log *os.File) error {
	if w.isPatched() || !exists(filepath.Join(w.src(), "configure")) {
		if err := execute(log, w.src(), nil, "./buildconf", "--force"); err != nil {
			return err
		}
	}
	// Functions that the loader chooses run before a shared object is relocated, and those that count what they do cannot. PHP
	// chooses by itself then, at its startup.
	env := []string{"CFLAGS=" + cflags, "CXXFLAGS=" + cxxflags, "ax_cv_have_func_attribute_ifunc=no"}
	if err := execute(log, w.src(), env, "./configure", w.configureArguments()...); err != nil {
		return fmt.Errorf("%w: a package may be missing (packaging/install-deps engine)", err)
	}
	return w.adaptMakefile()
}

// adaptMakefile has libtool compile for shared objects alone. PHP's own Makefile would compile for executables.
func (w *work) adaptMakefile() error {
	name := filepath.Join(w.src(), "Makefile")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	adapted := regexp.MustCompile(`(?m)^(C|CXX)FLAGS = (.*) -prefer-(?:non-)?pic -static.*$`).
		ReplaceAll(text, []byte("${1}FLAGS = $2 $$(PROF_FLAGS)"))
	if string(adapted) == string(text) {
		return fmt.Errorf("the CFLAGS of PHP's Makefile are not of the form that is known")
	}
	return os.WriteFile(name, adapted, 0o644)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func (w *work) compilePlain(log *os.File) error { return w.compile(log, "", "") }

func (w *work) compileToTrain(log *os.File) error { return w.compile(log, toTrain, "") }

// compileTrained compiles all again, by the counts that the training has left beside the objects. The objects have the names of the first
// time: the compiler knows the counts of static functions by these.
func (w *work) compileTrained(log *os.File) error {
	err := filepath.WalkDir(w.src()+"/", func(name string, _ os.DirEntry, err error) error {
		if err == nil {
			switch filepath.Ext(name) {
			case ".o", ".lo", ".la", ".a", ".so":
				err = os.Remove(name)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := w.make(log, trained, notJoined...); err != nil {
		return err
	}
	return w.compile(log, trained, toJoin)
}

// libtoolFlags returns the compiler's flags as libtool passes them to the compiler that links.
func libtoolFlags(flags string) string {
	var passed []string
	for _, flag := range strings.Fields(flags) {
		if !strings.HasPrefix(flag, "-Wl,") {
			flag = "-Wc," + flag
		}
		passed = append(passed, flag)
	}
	return strings.Join(passed, " ")
}

// compile makes the objects of PHP, those that are there already excepted, and its extensions. PHP's own get more flags than extensions.
func (w *work) compile(log *os.File, flags, more string) error {
	objects, err := w.phpObjects()
	if err != nil {
		return err
	}
	if err := w.make(log, flags+" "+more, objects...); err != nil {
		return err
	}
	if len(w.extensions) == 0 {
		return nil
	}
	return w.make(log, flags, "EXTRA_LDFLAGS="+libtoolFlags(flags), "build-modules")
}

// make runs PHP's Makefile.
func (w *work) make(log *os.File, flags string, arguments ...string) error {
	libtool, err := w.variable("LIBTOOL")
	if err != nil {
		return err
	}
	all := []string{fmt.Sprintf("-j%d", w.jobs), "LIBTOOL=" + libtool + " " + sharedAlone, "PROF_FLAGS=" + flags}
	return execute(log, w.src(), nil, "make", append(all, arguments...)...)
}
