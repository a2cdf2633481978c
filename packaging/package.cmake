# The Debian package: `cmake --build … --target package`, or cpack in the build folder. Programs, the client's manual page
# and completions are installed where they are built; here is the rest, and what dpkg wants to know.
include(GNUInstallDirs)
set(packaging ${PROJECT_SOURCE_DIR}/packaging)

# The units name /usr/sbin, which is where the package has the daemon.
install(FILES ${packaging}/systemd/garnerd.service ${packaging}/systemd/garnerd.socket DESTINATION lib/systemd/system)
install(FILES ${packaging}/systemd/user/garnerd.service ${packaging}/systemd/user/garnerd.socket
        DESTINATION lib/systemd/user)
install(FILES ${packaging}/man/garnerd.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${packaging}/man/garner-config.5 ${packaging}/man/garner-track.5
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)

# Only in a package, which is installed below /: everybody else has settings of his own.
install(FILES ${packaging}/garnerd.toml DESTINATION /etc/garner COMPONENT debian EXCLUDE_FROM_ALL)
install(FILES ${packaging}/debian/copyright ${packaging}/debian/changelog
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/garner COMPONENT debian EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME garner)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};garner;ALL;/;${CMAKE_BINARY_DIR};garner;debian;/")
# Some of it lies outside of the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${packaging}/compress.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "garner developers <garner@packages.invalid>")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, fuse3, init-system-helpers (>= 1.52), tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, systemd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion, zsh, fish, openssh-client")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "backup daemon that deduplicates, encrypts and resumes")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "garnerd keeps deduplicated, compressed and encrypted backups of folders in
repositories on disks, mounts, SFTP servers and S3 stores, and saves its
progress: a backup that a crash, a pulled cable or a reboot cuts off goes on
by itself. garner is the command that asks it for things.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst ${packaging}/debian/prerm
    ${packaging}/debian/postrm ${packaging}/debian/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
include(CPack)
