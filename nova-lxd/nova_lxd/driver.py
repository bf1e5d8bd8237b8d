"""The driver Nova loads. It holds no policy: each method calls the module of its concern.

Signatures take what Nova 26 to 34 pass: ``share_info`` and ``accel_info`` come and go with versions.
"""

from collections.abc import Callable, Iterable
from typing import Any

import nova.conf
from nova.virt import driver

from nova_lxd import (
    compat, configdrive, console, diagnostics, events, image, instance as instances, inventory, live,
    migration as migrations, network,
    rescue, spawn, volume)
from nova_lxd.conf import Settings
from nova_lxd.host import Host

CONF = nova.conf.CONF


class LXDDriver(driver.ComputeDriver):
    """System containers of one LXD daemon as Nova's servers."""

    capabilities = {
        **driver.ComputeDriver.capabilities,
        "has_imagecache": True,
        "supports_attach_interface": True,
        "supports_evacuate": True,
        "supports_extend_volume": True,
        "supports_image_type_raw": True,
        "supports_trusted_certs": True,
    }

    def __init__(self, virtapi: Any):
        super().__init__(virtapi)
        self.host = Host(Settings.read(CONF), virtapi)
        self.events = events.Listener(self.host, self.emit_event, lambda: spawn.remove_interrupted(self.host))
        self.consoles = console.SerialConsoles(self.host)
        self.image_cache = image.Cache(self.host)
        self.live_migrations = live.Running()

    # The host

    def init_host(self, host: str) -> None:
        self.host.connect(host)
        network.initialize()
        self.events.start()

    def cleanup_host(self, host: str) -> None:
        self.events.stop()
        self.consoles.close()

    def get_available_nodes(self, refresh: bool = False) -> list[str]:
        return [self.host.name or CONF.host]

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        return inventory.available_resource(self.host, nodename)

    def update_provider_tree(self, provider_tree: Any, nodename: str, allocations: Any = None) -> None:
        inventory.update_provider_tree(self.host, self, provider_tree, nodename)

    def get_host_ip_addr(self) -> str:
        return CONF.my_ip

    def get_host_uptime(self) -> str:
        return inventory.uptime(self.host)

    def get_host_cpu_stats(self) -> dict[str, int]:
        return inventory.cpu_stats(self.host)

    def get_volume_connector(self, instance: Any) -> dict[str, Any]:
        return volume.connector(self.host, instance)

    # What is there

    def list_instances(self) -> list[str]:
        return [found.nova_name for found in instances.list_all(self.host)]

    def list_instance_uuids(self) -> list[str]:
        return [found.uuid for found in instances.list_all(self.host)]

    def instance_exists(self, instance: Any) -> bool:
        return instances.exists(self.host, instance)

    def get_info(self, instance: Any, use_cache: bool = True) -> Any:
        return instances.info(self.host, instance)

    def get_diagnostics(self, instance: Any) -> dict[str, Any]:
        return diagnostics.legacy(self.host, instance)

    def get_instance_diagnostics(self, instance: Any) -> Any:
        return diagnostics.collect(self.host, instance)

    # Life

    def spawn(self, context: Any, instance: Any, image_meta: Any, injected_files: Any, admin_password: str,
              allocations: Any, network_info: Any = None, block_device_info: Any = None, power_on: bool = True,
              accel_info: Any = None) -> None:
        spawn.spawn(self.host, self.image_cache, context, instance, image_meta, injected_files, admin_password,
                    network_info, block_device_info, power_on)

    def destroy(self, context: Any, instance: Any, network_info: Any, block_device_info: Any = None,
                destroy_disks: bool = True, destroy_secrets: bool = True) -> None:
        self.consoles.forget(instance)
        spawn.destroy(self.host, context, instance, network_info, block_device_info, destroy_disks)

    def cleanup(self, context: Any, instance: Any, network_info: Any, block_device_info: Any = None,
                destroy_disks: bool = True, migrate_data: Any = None, destroy_vifs: bool = True,
                destroy_secrets: bool = True) -> None:
        self.consoles.forget(instance)
        spawn.cleanup(self.host, context, instance, network_info, block_device_info, destroy_disks, destroy_vifs)

    def cleanup_lingering_instance_resources(self, instance: Any) -> bool:
        return spawn.cleanup_lingering(self.host, instance)

    def power_on(self, context: Any, instance: Any, network_info: Any, block_device_info: Any = None,
                 accel_info: Any = None, share_info: Any = None) -> None:
        spawn.power_on(self.host, context, instance, network_info, block_device_info)

    def power_off(self, instance: Any, timeout: int = 0, retry_interval: int = 0) -> None:
        instances.power_off(self.host, instance, timeout)

    def reboot(self, context: Any, instance: Any, network_info: Any, reboot_type: str, block_device_info: Any = None,
               bad_volumes_callback: Callable[..., Any] | None = None, accel_info: Any = None,
               share_info: Any = None) -> None:
        spawn.reboot(self.host, context, instance, network_info, reboot_type, block_device_info)

    def resume_state_on_host_boot(self, context: Any, instance: Any, network_info: Any, *arguments: Any,
                                  **keywords: Any) -> None:
        spawn.power_on(self.host, context, instance, network_info,
                       compat.resume_block_device_info(arguments, keywords))

    def pause(self, instance: Any) -> None:
        instances.pause(self.host, instance)

    def unpause(self, instance: Any) -> None:
        instances.unpause(self.host, instance)

    def suspend(self, context: Any, instance: Any) -> None:
        instances.suspend(self.host, instance)

    def resume(self, context: Any, instance: Any, network_info: Any, block_device_info: Any = None,
               share_info: Any = None) -> None:
        spawn.resume(self.host, context, instance, network_info, block_device_info)

    def rescue(self, context: Any, instance: Any, network_info: Any, image_meta: Any, rescue_password: str,
               block_device_info: Any = None, share_info: Any = None) -> None:
        rescue.rescue(self.host, self.image_cache, context, instance, network_info, image_meta, rescue_password,
                      block_device_info)

    def unrescue(self, context: Any, instance: Any) -> None:
        rescue.unrescue(self.host, instance)

    def set_admin_password(self, instance: Any, new_pass: str) -> None:
        configdrive.set_password(self.host, instance, new_pass)

    # Images

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Callable[..., Any]) -> None:
        image.snapshot(self.host, context, instance, image_id, update_task_state)

    def cache_image(self, context: Any, image_id: str) -> bool:
        return self.image_cache.add(context, image_id)

    def manage_image_cache(self, context: Any, all_instances: Iterable[Any]) -> None:
        self.image_cache.expire(all_instances)

    # Consoles

    def get_console_output(self, context: Any, instance: Any) -> str:
        return console.output(self.host, instance)

    def get_serial_console(self, context: Any, instance: Any) -> Any:
        return self.consoles.open(instance)

    # Networks

    def plug_vifs(self, instance: Any, network_info: Any) -> None:
        network.plug(self.host, instance, network_info)

    def unplug_vifs(self, instance: Any, network_info: Any) -> None:
        network.unplug(self.host, instance, network_info)

    def attach_interface(self, context: Any, instance: Any, image_meta: Any, vif: Any) -> None:
        network.attach(self.host, instance, vif)

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        network.detach(self.host, instance, vif)

    # Volumes

    def attach_volume(self, context: Any, connection_info: Any, instance: Any, mountpoint: str,
                      disk_bus: str | None = None, device_type: str | None = None, encryption: Any = None) -> None:
        volume.attach(self.host, context, connection_info, instance, mountpoint, encryption)

    def detach_volume(self, context: Any, connection_info: Any, instance: Any, mountpoint: str,
                      encryption: Any = None) -> None:
        volume.detach(self.host, context, connection_info, instance, mountpoint, encryption)

    def extend_volume(self, context: Any, connection_info: Any, instance: Any, requested_size: int) -> None:
        volume.extend(self.host, context, connection_info, instance, requested_size)

    def quiesce(self, context: Any, instance: Any, image_meta: Any) -> None:
        instances.pause(self.host, instance)

    def unquiesce(self, context: Any, instance: Any, image_meta: Any) -> None:
        instances.unpause(self.host, instance)

    # Resize and cold migration

    def migrate_disk_and_power_off(self, context: Any, instance: Any, dest: str, flavor: Any, network_info: Any,
                                   block_device_info: Any = None, timeout: int = 0, retry_interval: int = 0) -> str:
        return migrations.migrate_disk_and_power_off(
            self.host, context, instance, dest, flavor, network_info, block_device_info, timeout)

    def finish_migration(self, context: Any, migration: Any, instance: Any, disk_info: str, network_info: Any,
                         image_meta: Any, resize_instance: bool, allocations: Any, block_device_info: Any = None,
                         power_on: bool = True, share_info: Any = None) -> None:
        migrations.finish_migration(self.host, context, migration, instance, disk_info, network_info, image_meta,
                                   resize_instance, block_device_info, power_on)

    def confirm_migration(self, context: Any, migration: Any, instance: Any, network_info: Any) -> None:
        migrations.confirm_migration(self.host, context, migration, instance, network_info)

    def finish_revert_migration(self, context: Any, instance: Any, network_info: Any, migration: Any,
                                block_device_info: Any = None, power_on: bool = True, share_info: Any = None) -> None:
        migrations.finish_revert_migration(
            self.host, context, instance, network_info, migration, block_device_info, power_on)

    # Evacuation and shared storage. A root disk lies in one daemon's pool.

    def instance_on_disk(self, instance: Any) -> bool:
        return instances.exists(self.host, instance)

    def check_instance_shared_storage_local(self, context: Any, instance: Any) -> dict[str, str]:
        return migrations.storage_marker(self.host, instance)

    def check_instance_shared_storage_remote(self, context: Any, data: dict[str, str]) -> bool:
        return migrations.shares_storage(self.host, data)

    def check_instance_shared_storage_cleanup(self, context: Any, data: Any) -> None:
        """A marker leaves nothing behind."""

    # Live migration

    def check_can_live_migrate_destination(self, context: Any, instance: Any, src_compute_info: Any,
                                           dst_compute_info: Any, block_migration: bool = False,
                                           disk_over_commit: bool = False) -> Any:
        return live.check_at_target(self.host, context, instance)

    def cleanup_live_migration_destination_check(self, context: Any, dest_check_data: Any) -> None:
        """The check leaves nothing behind."""

    def check_can_live_migrate_source(self, context: Any, instance: Any, dest_check_data: Any,
                                      block_device_info: Any = None) -> Any:
        return live.check_at_source(self.host, self.live_migrations, context, instance, dest_check_data)

    def pre_live_migration(self, context: Any, instance: Any, block_device_info: Any, network_info: Any,
                           disk_info: Any, migrate_data: Any) -> Any:
        return live.prepare(self.host, context, instance, block_device_info, network_info, migrate_data)

    def live_migration(self, context: Any, instance: Any, dest: str, post_method: Callable[..., Any],
                       recover_method: Callable[..., Any], block_migration: bool = False,
                       migrate_data: Any = None) -> None:
        live.migrate(self.host, self.live_migrations, context, instance, dest, post_method, recover_method,
                     block_migration, migrate_data)

    def live_migration_abort(self, instance: Any) -> None:
        live.abort(self.host, self.live_migrations, instance)

    def post_live_migration(self, context: Any, instance: Any, block_device_info: Any,
                            migrate_data: Any = None) -> None:
        live.release_source(self.host, context, instance, block_device_info)

    def post_live_migration_at_source(self, context: Any, instance: Any, network_info: Any) -> None:
        network.unplug(self.host, instance, network_info)

    def post_live_migration_at_destination(self, context: Any, instance: Any, network_info: Any,
                                           block_migration: bool = False, block_device_info: Any = None) -> None:
        live.finish_at_target(self.host, context, instance, network_info)

    def rollback_live_migration_at_source(self, context: Any, instance: Any, migrate_data: Any) -> None:
        """The source's container kept its ports and volumes all the time."""

    def rollback_live_migration_at_destination(self, context: Any, instance: Any, network_info: Any,
                                               block_device_info: Any, destroy_disks: bool = True,
                                               migrate_data: Any = None) -> None:
        live.rollback_at_target(self.host, context, instance, network_info, block_device_info, destroy_disks)
