<?php
namespace Training;

use Symfony\Bundle\FrameworkBundle\FrameworkBundle;
use Symfony\Bundle\FrameworkBundle\Kernel\MicroKernelTrait;
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

    public function getProjectDir(): string
    {
        return dirname(__DIR__);
    }

    protected function configureContainer(ContainerConfigurator $container): void
    {
        $container->extension('framework', ['secret' => 'secret', 'http_method_override' => false]);
        $container->services()->defaults()->autowire()->autoconfigure()->load('Training\\', __DIR__)->exclude(__FILE__);
    }

    protected function configureRoutes(RoutingConfigurator $routes): void
    {
        foreach (['plants', 'gardens', 'seeds', 'tools', 'seasons', 'soils'] as $name) {
            $routes->add($name, "/$name/{id}")->controller([Pages::class, 'show'])->requirements(['id' => '\d+']);
        }
    }
}
