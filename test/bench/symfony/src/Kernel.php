<?php
namespace App;

use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Bundle\FrameworkBundle\Kernel\MicroKernelTrait;
use Symfony\Bundle\TwigBundle\TwigBundle;
use Symfony\Component\DependencyInjection\Loader\Configurator\ContainerConfigurator;
use Symfony\Component\Routing\Loader\Configurator\RoutingConfigurator;

class Kernel extends \Symfony\Component\HttpKernel\Kernel
{
    use MicroKernelTrait;

    /** The CPU time of the boot, in microseconds. */
    public static int $bootTime = 0;

    /** @param array<string, int> $before what getrusage() said when the script began */
    public function noteBoot(array $before): void
    {
        $now = getrusage();
        foreach (['ru_utime', 'ru_stime'] as $time) {
            self::$bootTime += 1_000_000 * ($now["$time.tv_sec"] - $before["$time.tv_sec"]) + $now["$time.tv_usec"] - $before["$time.tv_usec"];
        }
    }

    public function registerBundles(): iterable
    {
        return [new FrameworkBundle(), new TwigBundle()];
    }

    protected function configureContainer(ContainerConfigurator $c): void
    {
        $c->extension('framework', ['secret' => 'secret', 'http_method_override' => false]);
        $c->services()->defaults()->autowire()->autoconfigure()->load('App\\', __DIR__)->exclude(__FILE__);
    }

    protected function configureRoutes(RoutingConfigurator $routes): void
    {
        foreach (['orders', 'customers', 'articles', 'invoices', 'shipments', 'stores', 'prices', 'taxes', 'users', 'roles'] as $name) {
            $routes->add($name, "/$name/{id}")->controller([Pages::class, 'item']);
        }
        $routes->add('boot', '/boot')->controller([Pages::class, 'boot']);
    }
}
