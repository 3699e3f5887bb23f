package serve

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// NginxConf returns a configuration of nginx as an operator that wants speed writes it: a process for each processor, an access log, and
// Debian's own way of passing PHP on, to the pool whose socket is Socket(dir). It serves root on address. keep says that
// connections to the pool are kept, as many for each of nginx's processes. settings are more lines for the server.
func NginxConf(dir, address, root string, keep int, settings string) string {
	user, upstream, location := "", "", ""
	if os.Geteuid() == 0 {
		user = "user nobody nogroup;\n"
	}
	if keep > 0 {
		upstream = fmt.Sprintf("keepalive %d; keepalive_requests 1000000000;", keep)
		location = "fastcgi_keep_conn on;"
	}
	return fmt.Sprintf(`daemon off;
pid %[1]s/nginx.pid;
worker_processes auto;
worker_rlimit_nofile 20000;
%[2]sevents { worker_connections 16384; }
http {
	include /etc/nginx/mime.types;
	sendfile on;
	tcp_nopush on;
	server_tokens off;
	access_log %[1]s/nginx-access.log;
	client_body_temp_path %[1]s/nginx-body;
	fastcgi_temp_path %[1]s/nginx-fastcgi;
	proxy_temp_path %[1]s/nginx-proxy;
	scgi_temp_path %[1]s/nginx-scgi;
	uwsgi_temp_path %[1]s/nginx-uwsgi;
	keepalive_requests 1000000000;
	upstream php { server unix:%[3]s; %[4]s }
	server {
		listen %[5]s backlog=4096;
		server_name localhost;
		root %[6]s;
		index index.php;
		%[8]s
		location / { try_files $uri $uri/ /index.php?$args; }
		location ~ \.php(/|$) {
			include /etc/nginx/snippets/fastcgi-php.conf;
			%[7]s
			fastcgi_pass php;
		}
	}
}
`, dir, user, Socket(dir), upstream, address, root, location, settings)
}

// StartNginx starts nginx with NginxConf's configuration. Its files are in dir too.
func StartNginx(dir, address, root string, keep int, settings string) (*Process, error) {
	conf, log := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "nginx-error.log")
	if err := os.WriteFile(conf, []byte(NginxConf(dir, address, root, keep, settings)), 0o644); err != nil {
		return nil, err
	}
	// Debian's snippets name each other relative to the directory of the main file.
	for _, name := range []string{"fastcgi.conf", "fastcgi_params"} {
		if err := os.Symlink("/etc/nginx/"+name, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("/usr/sbin/nginx", "-e", log, "-c", conf)
	return Start("nginx", cmd, Accepts("tcp", address), func() string {
		text, _ := os.ReadFile(log)
		return string(text)
	})
}

// Accepts returns a function that reports whether a server accepts connections at an address, for Start and wait.Until.
func Accepts(network, address string) func() bool {
	return func() bool {
		conn, err := net.Dial(network, address)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
}

// FreeAddress returns a TCP address of this machine at which no process listens. Its port is below those that Linux chooses
// by itself, so that it is still free when it is used.
func FreeAddress() (string, error) {
	for range 100 {
		address := fmt.Sprint("127.0.0.1:", 10000+rand.IntN(20000))
		if free, err := net.Listen("tcp", address); err == nil {
			return address, free.Close()
		}
	}
	return "", errors.New("no port from 10000 to 29999 is free")
}
