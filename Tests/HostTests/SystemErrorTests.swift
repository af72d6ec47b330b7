import Glibc
import Host
import SystemPackage
import Testing

@Suite("A system error")
struct SystemErrorTests {
  @Test("reads as a sentence: what, on what, why, and what to do")
  func sentence() {
    let error = SystemError(.notPermitted, .attachTunnel, subject: "sock0")
    #expect(
      error.description == """
        cannot attach to the tunnel device sock0: Operation not permitted (EPERM 1); run as root \
        or with CAP_NET_ADMIN, or have root prepare the device once: ip tuntap add dev sock0 mode \
        tun user $USER
        """)
  }

  @Test("without a subject or advice says no more than it knows")
  func plain() {
    #expect(
      SystemError(.noMemory, .readPacket).description
        == "cannot read a packet from the link: Cannot allocate memory (ENOMEM 12)")
  }

  @Test(
    "a missing driver names the command that loads it",
    arguments: [Errno.noSuchFileOrDirectory, .operationNotSupportedByDevice])
  func missingDriver(reason: Errno) {
    let error = SystemError(reason, .openDevice, subject: "/dev/net/tun")
    #expect(error.description.contains("modprobe tun"))
  }

  @Test("a forbidden driver names the file and the way round")
  func forbiddenDriver() {
    let error = SystemError(.permissionDenied, .openDevice, subject: "/dev/net/tun")
    #expect(error.description.contains("EACCES"))
    #expect(error.advice?.contains("access to /dev/net/tun") == true)
    #expect(error.advice?.contains("ip tuntap add") == true)
  }

  @Test(
    "says what it means for a link",
    arguments: [
      (Errno.noBufferSpace, LinkFault.congested), (.noMemory, .congested), (.ioError, .down),
      (.networkDown, .down), (.invalidArgument, .refused), (.messageTooLong, .refused),
      (.badFileDescriptor, .gone),
    ])
  func fault(reason: Errno, fault: LinkFault) {
    #expect(SystemError(reason, .writePacket).linkFault == fault)
  }

  @Test(
    "opening a tunnel without privilege says what to do",
    .enabled(if: geteuid() != 0, "needs a user other than root"))
  func unprivileged() {
    let error = #expect(throws: SystemError.self) {
      _ = try TunnelLink(TunnelConfiguration(name: "sockstest0"))
    }
    #expect(error?.advice != nil)
  }

  @Test(
    "a name that no interface can have is refused before anything is opened",
    arguments: ["", "a/b", "..", "sixteen-letters!", "two words", "a:b"])
  func badName(name: String) {
    let error = #expect(throws: SystemError.self) {
      _ = try TunnelLink(TunnelConfiguration(name: name))
    }
    #expect(error?.call == .findInterface)
    #expect(error?.errno == .invalidArgument)
  }

  @Test("an interface that is not there is not found")
  func noInterface() {
    let error = #expect(throws: SystemError.self) { _ = try HostInterface(named: "sockstest0") }
    #expect(error?.errno == .operationNotSupportedByDevice)
    #expect(error?.description.contains("sockstest0") == true)
  }

  @Test("the loopback interface can be looked at without privilege")
  func loopback() throws {
    let state = try HostInterface(named: "lo").state()
    #expect(state.mtu >= 1280)
  }
}
