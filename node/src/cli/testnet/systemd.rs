//! A systemd unit for every node below one directory: `systemctl start quorate@n0`.

use std::path::Path;

use super::absolute;
use crate::exit::Exit;

/// The template unit.
pub(super) fn unit(root: &Path) -> String {
    let root = absolute(root);
    let hopeless: Vec<String> = Exit::ALL
        .into_iter()
        .filter(|exit| *exit != Exit::Clean && !exit.can_restart_help())
        .map(|exit| exit.code().to_string())
        .collect();
    format!(
        "[Unit]\n\
         Description=Quorate node %i\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         ExecStart=/usr/local/bin/quorate start --home {root}/%i\n\
         Restart=on-failure\n\
         RestartSec=2\n\
         RestartPreventExitStatus={hopeless}\n\
         TimeoutStopSec=20\n\
         LimitNOFILE=65536\n\
         UMask=0077\n\
         NoNewPrivileges=yes\n\
         ProtectSystem=strict\n\
         ReadWritePaths={root}/%i\n\
         PrivateTmp=yes\n\
         PrivateDevices=yes\n\
         ProtectKernelTunables=yes\n\
         ProtectKernelModules=yes\n\
         ProtectControlGroups=yes\n\
         RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n\
         RestrictNamespaces=yes\n\
         LockPersonality=yes\n\
         MemoryDenyWriteExecute=yes\n\
         CapabilityBoundingSet=\n\
         SystemCallArchitectures=native\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        hopeless = hopeless.join(" "),
    )
}
