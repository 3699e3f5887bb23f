package main

import (
	"fmt"
	"slices"
	"strings"
)

// An extension is a part of PHP that can be left out.
type extension struct {
	name string
	// option is what configure is told, without the word shared.
	option string
	// also are further options, which other extensions do not have.
	also []string
	// packages are the Debian packages that it is compiled with.
	packages []string
	// needs are the extensions that it calls.
	needs []string
	// starts says that its startup calls its libraries: they are opened before, so that PHP can do without it if one is missing.
	starts bool
}

// core are the options for what every engine has: what Debian's own php has inside, so that both start with the same.
var core = []string{
	"--enable-filter", "--with-openssl", "--with-password-argon2", "--with-external-pcre", "--with-mhash", "--with-libxml",
	"--enable-session", "--with-sodium", "--with-zlib", "--enable-pcntl",
}

// corePackages are the Debian packages for core, and for building at all.
var corePackages = []string{
	"libssl-dev", "libargon2-dev", "libpcre2-dev", "libxml2-dev", "libsodium-dev", "zlib1g-dev",
	"autoconf", "bison", "re2c", "libtool", "g++", "make", "pkg-config", "dpkg-dev", "xz-utils",
}

// extensions are those that php.ini chooses by its lines extension=NAME, in an order in which each follows what it needs.
var extensions = []extension{
	{name: "bcmath", option: "--enable-bcmath"},
	{name: "bz2", option: "--with-bz2", packages: []string{"libbz2-dev"}},
	{name: "calendar", option: "--enable-calendar"},
	{name: "ctype", option: "--enable-ctype"},
	{name: "curl", option: "--with-curl", packages: []string{"libcurl4-openssl-dev"}},
	{name: "dom", option: "--enable-dom"},
	{name: "exif", option: "--enable-exif", needs: []string{"mbstring"}},
	{name: "ffi", option: "--with-ffi", packages: []string{"libffi-dev"}},
	{name: "fileinfo", option: "--enable-fileinfo"},
	{name: "ftp", option: "--enable-ftp"},
	{name: "gd", option: "--enable-gd", also: []string{"--with-external-gd"}, packages: []string{"libgd-dev"}},
	{name: "gettext", option: "--with-gettext"},
	{name: "gmp", option: "--with-gmp", packages: []string{"libgmp-dev"}},
	{name: "iconv", option: "--with-iconv"},
	{name: "intl", option: "--enable-intl", packages: []string{"libicu-dev"}},
	{name: "mbstring", option: "--enable-mbstring", packages: []string{"libonig-dev"}},
	{name: "mysqlnd", option: "--enable-mysqlnd"},
	{name: "mysqli", option: "--with-mysqli", packages: []string{"mariadb-server"}, needs: []string{"mysqlnd"}}, // it is trained by a WordPress
	{name: "opcache", option: "--enable-opcache"},
	{name: "pdo", option: "--enable-pdo"},
	{name: "pdo_mysql", option: "--with-pdo-mysql", needs: []string{"pdo", "mysqlnd"}},
	{name: "pdo_pgsql", option: "--with-pdo-pgsql", needs: []string{"pdo"}, packages: []string{"libpq-dev"}},
	{name: "pdo_sqlite", option: "--with-pdo-sqlite", needs: []string{"pdo"}, packages: []string{"libsqlite3-dev"}},
	{name: "pgsql", option: "--with-pgsql", packages: []string{"libpq-dev"}, starts: true},
	{name: "phar", option: "--enable-phar"},
	{name: "posix", option: "--enable-posix"},
	{name: "readline", option: "--with-libedit", packages: []string{"libedit-dev"}},
	{name: "shmop", option: "--enable-shmop"},
	{name: "simplexml", option: "--enable-simplexml"},
	{name: "soap", option: "--enable-soap"},
	{name: "sockets", option: "--enable-sockets"},
	{name: "sqlite3", option: "--with-sqlite3", packages: []string{"libsqlite3-dev"}},
	{name: "sysvmsg", option: "--enable-sysvmsg"},
	{name: "sysvsem", option: "--enable-sysvsem"},
	{name: "sysvshm", option: "--enable-sysvshm"},
	{name: "tokenizer", option: "--enable-tokenizer"},
	{name: "xml", option: "--enable-xml"},
	{name: "xmlreader", option: "--enable-xmlreader", needs: []string{"dom"}},
	{name: "xmlwriter", option: "--enable-xmlwriter"},
	{name: "xsl", option: "--with-xsl", needs: []string{"dom"}, packages: []string{"libxslt1-dev"}},
	{name: "zip", option: "--with-zip", packages: []string{"libzip-dev"}, starts: true},
}

// values are what follows the word shared in an extension's option.
var values = map[string]string{
	"mysqli": "mysqlnd", "pdo_mysql": "mysqlnd", "pdo_pgsql": "/usr/bin/pg_config", "pgsql": "/usr",
}

// chooseExtensions returns the extensions of a list such as "curl,pdo_mysql", with what these need. An empty list is all of them. It
// returns an error if there is no extension of a name.
func chooseExtensions(list string) ([]extension, error) {
	if list == "" {
		return extensions, nil
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		if err := want(wanted, strings.TrimSpace(name)); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(extensions), func(e extension) bool { return !wanted[e.name] }), nil
}

func want(wanted map[string]bool, name string) error {
	i := slices.IndexFunc(extensions, func(e extension) bool { return e.name == name })
	if i < 0 {
		return fmt.Errorf("there is no extension %q: there are %s", name, strings.Join(extensionNames(extensions), ", "))
	}
	wanted[name] = true
	for _, needed := range extensions[i].needs {
		if err := want(wanted, needed); err != nil {
			return err
		}
	}
	return nil
}

func extensionNames(list []extension) (names []string) {
	for _, e := range list {
		names = append(names, e.name)
	}
	return names
}

// shared returns the options for extensions that are files of their own.
func shared(list []extension) (options []string) {
	for _, e := range list {
		option := e.option + "=shared"
		if value := values[e.name]; value != "" {
			option += "," + value
		}
		options = append(append(options, option), e.also...)
	}
	return options
}

// packagesFor returns the Debian packages that an engine with these extensions is built with.
func packagesFor(list []extension) []string {
	packages := slices.Clone(corePackages)
	for _, e := range list {
		packages = append(packages, e.packages...)
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}
