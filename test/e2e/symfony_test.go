//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// symfony is an application of Symfony's, as Debian has it: routes, Twig, sessions, a form, uploads, and controllers that fail.
var symfony = map[string]string{
	"composer.json": "{}", // by it Symfony finds the application's directory
	"autoload.php": `<?php
if (is_file($versions = '/usr/share/php/Composer/InstalledVersions.php')) {
	require $versions; // which Symfony 6 and newer ask
}
foreach (['Component/HttpKernel', 'Bundle/FrameworkBundle', 'Bundle/TwigBundle'] as $part) {
	require_once "/usr/share/php/Symfony/$part/autoload.php";
}
spl_autoload_register(function ($class) {
	if (is_file($file = __DIR__.'/src/'.strtr(substr($class, strlen('App\\')), '\\', '/').'.php') && str_starts_with($class, 'App\\')) {
		require $file;
	}
});
`,
	// In worker mode the kernel lives on; stock php-fpm runs the same script for each request.
	"www/index.php": `<?php
use Symfony\Component\HttpFoundation\Request;

require dirname(__DIR__).'/autoload.php';
$kernel = new App\Kernel('prod', false);
if (!function_exists('frankenphp_handle_request')) {
	$response = $kernel->handle($request = Request::createFromGlobals());
	$response->send();
	$kernel->terminate($request, $response);
	exit;
}
$boot = $_SERVER;
do {
	$request = $response = null;
	$more = frankenphp_handle_request(function () use ($kernel, $boot, &$request, &$response) {
		$_SERVER += $boot;
		$response = $kernel->handle($request = Request::createFromGlobals());
		$response->send();
	});
	if ($response) {
		$kernel->terminate($request, $response);
	}
	gc_collect_cycles();
} while ($more);
`,
	"src/Kernel.php": `<?php
namespace App;

use Symfony\Bundle\FrameworkBundle\{FrameworkBundle, Kernel\MicroKernelTrait};
use Symfony\Bundle\TwigBundle\TwigBundle;
use Symfony\Component\DependencyInjection\Loader\Configurator\ContainerConfigurator;
use Symfony\Component\Routing\Loader\Configurator\RoutingConfigurator;

class Kernel extends \Symfony\Component\HttpKernel\Kernel
{
	use MicroKernelTrait;

	public function registerBundles(): iterable
	{
		return [new FrameworkBundle(), new TwigBundle()];
	}

	protected function configureContainer(ContainerConfigurator $c): void
	{
		$c->extension('framework', ['secret' => 'secret', 'http_method_override' => false,
			'session' => ['handler_id' => null, 'storage_factory_id' => 'session.storage.factory.native']]);
		$c->services()->defaults()->autowire()->autoconfigure()->load('App\\', __DIR__)->exclude(__FILE__);
	}

	protected function configureRoutes(RoutingConfigurator $routes): void
	{
		foreach (['home', 'visits', 'form', 'upload', 'boom', 'leave', 'streamed'] as $name) {
			$routes->add($name, "/$name")->controller([Pages::class, $name]);
		}
		$routes->add('hello', '/hello/{name}')->controller([Pages::class, 'hello']);
	}
}
`,
	"src/Pages.php": `<?php
namespace App;

use Symfony\Bundle\FrameworkBundle\Controller\AbstractController;
use Symfony\Component\HttpFoundation\{JsonResponse, Request, Response, StreamedResponse};

class Pages extends AbstractController
{
	private int $answered = 0;

	public function home(): Response
	{
		return new JsonResponse(['pid' => getmypid(), 'answered' => ++$this->answered]);
	}

	public function hello(string $name): Response
	{
		return $this->render('hello.html.twig', ['name' => $name]);
	}

	public function visits(Request $request): Response
	{
		$session = $request->getSession();
		$session->set('user', $session->get('user', $request->query->get('user')));
		$session->set('visits', $session->get('visits', 0) + 1);
		return new Response($session->get('user').' '.$session->get('visits'));
	}

	public function form(Request $request): Response
	{
		return new Response($request->getMethod().' '.$request->request->get('name').' '.count($request->request->all()));
	}

	public function upload(Request $request): Response
	{
		$file = $request->files->get('file')->move(sys_get_temp_dir(), uniqid('e2e', true));
		$sum = $file->getSize().' '.hash_file('crc32b', $file);
		unlink($file);
		return new Response($sum);
	}

	public function boom(): Response
	{
		throw new \RuntimeException('on purpose');
	}

	public function leave(): Response
	{
		exit('left');
	}

	public function streamed(): Response
	{
		return new StreamedResponse(function () {
			foreach ([1, 2, 3] as $n) {
				echo $n;
				flush();
			}
		});
	}
}
`,
	"templates/hello.html.twig": "<p>Hello <b>{{ name }}</b></p>\n",
}

func symfonyPlace(t *testing.T) *place {
	p := at(t)
	for name, text := range symfony {
		p.write(name, text)
	}
	p.give("var")
	p.extensions(stockFPM, "mbstring", "xml", "dom")
	return p
}

// TestSymfony uses an application of Symfony's: on stock php-fpm behind nginx, which boots it for each request, and on phpsapi in
// worker mode, which boots it once for each worker.
func TestSymfony(t *testing.T) {
	t.Run("stock", func(t *testing.T) {
		p := symfonyPlace(t)
		p.fpm(stockFPM, "")
		useSymfony(t, p.nginx("location / { try_files $uri /index.php$is_args$args; }"+nginxFPM))
	})
	t.Run("phpsapi", func(t *testing.T) {
		p := symfonyPlace(t)
		d := p.door("worker: DIR/www/index.php\n", "pm = static\n")
		useSymfony(t, d.address)
		bootsOnce(t, d)
		reloadSymfony(t, p, d)
	})
}

func useSymfony(t *testing.T, address string) {
	anna, ben := visit(t, address), visit(t, address)
	for n := 1; n <= 20; n++ {
		anna.get("/visits?user=Anna", fmt.Sprintf("Anna %d", n))
		ben.get("/visits?user=Ben", fmt.Sprintf("Ben %d", n))
	}
	visit(t, address).get("/visits?user=somebody", "somebody 1")
	for range 5 {
		anna.get("/hello/a%3Cb", "<p>Hello <b>a&lt;b</b></p>")
		anna.post("/form", "POST Zoë 2", url.Values{"name": {"Zoë"}, "more": {"1"}})
		file := bytes.Repeat([]byte("upload"), 1<<18)
		if got, want := anna.upload("/upload", nil, "file", "a.bin", file), fmt.Sprintf("%d %08x", len(file), crc32.ChecksumIEEE(file)); got != want {
			t.Errorf("of an upload arrived %q, want %q", got, want)
		}
		anna.get("/form", "GET  0")
		anna.get("/streamed", "123")
		for path, want := range map[string]int{"/nothing/here": http.StatusNotFound, "/boom": http.StatusInternalServerError} {
			if got := anna.status(path); got != want {
				t.Errorf("%s: status %d, want %d", path, got, want)
			}
		}
		anna.get("/leave", "left")
	}
	anna.get("/visits", "Anna 21")
}

// bootsOnce has the workers answer a thousand requests, for four clients. They must be the same workers all the while, and not
// grow.
func bootsOnce(t *testing.T, d *door) {
	var workers sync.Map // how many requests each has answered
	rounds := func(n int) {
		var clients sync.WaitGroup
		for range 4 {
			s := visit(t, d.address)
			clients.Go(func() {
				for range n {
					var home struct{ Pid, Answered int }
					response, err := s.browser.Get(s.url + "/home")
					if err != nil {
						t.Error(err)
						return
					}
					if err := json.NewDecoder(response.Body).Decode(&home); err != nil {
						t.Errorf("%s: %v", response.Status, err)
					}
					response.Body.Close()
					workers.Store(home.Pid, home.Answered)
				}
			})
		}
		clients.Wait()
	}
	rounds(50)
	before := map[int]int{}
	workers.Range(func(pid, _ any) bool { before[pid.(int)] = processes.Private(pid.(int)); return true })
	rounds(200)
	total := 0
	workers.Range(func(pid, answered any) bool {
		total += answered.(int)
		was, known := before[pid.(int)]
		if is := processes.Private(pid.(int)); known && is-was > 2<<10 {
			t.Errorf("worker %d grew from %d to %d KiB", pid, was, is)
		}
		return true
	})
	if total < 1000 {
		t.Errorf("of 1000 requests the workers that are there have answered %d", total)
	}
}

// reloadSymfony reloads the service while clients ask. No request may fail, and each answer comes from a booted application.
func reloadSymfony(t *testing.T, p *place, d *door) {
	var asked, failed atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			client := &http.Client{Transport: insecure(), Timeout: patience}
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := client.Get("http://" + d.address + "/hello/you")
				var body []byte
				if err == nil {
					body, err = io.ReadAll(response.Body)
					response.Body.Close()
				}
				if asked.Add(1); err == nil && !strings.Contains(string(body), "<b>you</b>") {
					err = fmt.Errorf("%s %.200s", response.Status, body)
				}
				if err != nil && failed.Add(1) <= 5 {
					t.Errorf("during a reload: %v", err)
				}
			}
		})
	}
	for range 3 {
		before := asked.Load()
		said, err := exec.Command("timeout", "60", filepath.Join(ours, "phpsapi"), "fpm", "reload", "--fpm-config", p.path("php-fpm.conf")).CombinedOutput()
		if err != nil {
			t.Errorf("phpsapi fpm reload: %v: %s", err, said)
			break
		}
		p.eventually("the new workers answer", func() bool { return asked.Load() > before+100 })
	}
	close(stop)
	clients.Wait()
	t.Logf("%d requests, %d failed", asked.Load(), failed.Load())
}
