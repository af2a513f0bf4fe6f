using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Relay.Native;

/// <summary>Creates the file of a Unix socket with its mode from the first moment on.</summary>
internal static unsafe partial class UnixSocketFile
{
    // For its own user and group. Bits to execute mean nothing on a socket; the descriptor's own mode leaves them out where
    // the system asks it, and a mask that took them away would make a folder that another thread creates now unusable.
    private const uint Mode = 0x1b0;
    private const uint OthersMask = 0x7;

    /// <summary>
    /// A socket that is bound and does not listen. Unlike one that .NET has bound, it leaves the path alone when it is
    /// closed: by then something else may stand there.
    /// </summary>
    /// <exception cref="Win32Exception">It cannot be bound, for example because the path is taken.</exception>
    public static Socket Bind(UnixDomainSocketEndPoint endpoint)
    {
        var unbound = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            var address = endpoint.Serialize();
            _ = ChangeMode((int)unbound.Handle, Mode);
            var previous = Umask(OthersMask);
            int result;
            int error;
            fixed (byte* bytes = address.Buffer.Span)
            {
                result = Bind((int)unbound.Handle, bytes, address.Size);
                error = Marshal.GetLastSystemError();
            }

            _ = Umask(previous);
            if (result != 0)
            {
                throw new Win32Exception(error);
            }

            // The same descriptor, in an object that knows its address; the first is not to close it.
            var bound = new Socket(unbound.SafeHandle);
#pragma warning disable CA1816
            GC.SuppressFinalize(unbound);
#pragma warning restore CA1816
            return bound;
        }
        catch
        {
            unbound.Dispose();
            throw;
        }
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint Umask(uint mask);

    [LibraryImport("libc", EntryPoint = "fchmod")]
    private static partial int ChangeMode(int descriptor, uint mode);

    [LibraryImport("libc", EntryPoint = "bind")]
    private static partial int Bind(int descriptor, byte* address, int length);
}
