/// The parts of LXD's API beyond its first version that this server has. Only what works is named: clients decide by it
/// what they may ask for.
package enum APIExtensions {
    package static let all: [String] = [
        "container_host_shutdown_timeout", "container_stop_priority", "container_syscall_filtering",
        "container_last_used_at", "etag", "patch", "https_allowed_credentials", "image_compression_algorithm",
        "directory_manipulation", "container_cpu_time", "network", "profile_usedby", "container_push",
        "container_exec_recording", "certificate_update", "container_exec_signal_handling",
        "container_image_properties", "id_map", "network_firewall_filtering", "network_routes", "storage", "file_delete",
        "file_append", "network_dhcp_expiry", "image_create_aliases", "container_stateless_copy",
        "container_only_migration", "unix_device_rename", "entity_description", "file_symlinks",
        "container_edit_metadata", "resource_limits", "resources", "kernel_limits", "storage_api_volume_rename",
        "console", "file_get_symlink", "network_leases", "operation_description", "event_lifecycle",
        "storage_images_delete", "storage_volatile_initial_source", "container_mount_propagation", "container_backup",
        "network_state", "container_protection_delete", "network_hwaddr", "network_dhcp_gateway", "network_nat_order",
        "network_nat_address", "container_full", "backup_compression", "storage_api_volume_snapshots", "projects",
        "container_copy_project", "snapshot_expiry", "snapshot_expiry_creation", "network_leases_location",
        "resources_cpu_socket", "resources_gpu", "resources_numa", "kernel_features", "id_map_current",
        "event_location", "lxc_features", "resources_v2", "container_exec_user_group_cwd", "resources_infiniband",
        "instances", "image_types", "resources_disk_sata", "images_expiry", "resources_network_firmware",
        "backup_compression_algorithm", "compression_squashfs", "image_profiles", "resources_disk_id", "api_filtering",
        "instance_nic_network", "firewall_driver", "container_backup_override_pool", "backup_override_name",
        "resources_usb_pci", "resources_cpu_threads_numa", "resources_cpu_core_die", "api_os", "resources_system",
        "network_dns_search", "network_state_bond_bridge", "usedby_consistency", "resources_pci_iommu",
        "resources_network_usb", "resources_disk_address", "network_state_vlan", "instance_bulk_state_change",
        "storage_volume_state", "certificate_project", "project_usage", "warnings", "projects_compression",
        "server_supported_storage_drivers", "event_lifecycle_requestor_address", "resources_gpu_usb", "linux_sysctl",
        "cloud_init", "instance_all_projects", "instance_get_full", "event_project", "instance_file_head",
        "storage_volume_api_filtering", "certificate_token", "storage_volumes_all_projects", "remote_token_expiry",
        "init_preseed",
    ]
}
