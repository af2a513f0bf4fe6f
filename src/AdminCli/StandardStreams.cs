using System.CommandLine;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Relay.AdminCli;

/// <summary>
/// Standard output and error past <see cref="Console"/>'s own streams. Those swallow a broken pipe, so that a watch would
/// write into nothing for ever, and they switch the terminal's keypad mode at first use and leave it so.
/// </summary>
internal static class StandardStreams
{
    private const int OutputBuffer = 16 * 1024;
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public static InvocationConfiguration Open() => new()
    {
        Output = new StreamWriter(Open(1, Console.OpenStandardOutput), Utf8, OutputBuffer),
        Error = new StreamWriter(new Complaints(Open(2, Console.OpenStandardError)), Utf8) { AutoFlush = true },
    };

    private static Stream Open(int descriptor, Func<Stream> console)
    {
        var stream = new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        // In a regular file FileStream keeps an offset of its own and would write over what the same shell redirected
        // there before; Console's stream goes on where the file is, and a file is no terminal and has no reader to lose.
        return stream.CanSeek ? console() : stream;
    }

    /// <summary>When the error message cannot be written, the exit code must still be the error's and not the pipe's.</summary>
    private sealed class Complaints(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush()
        {
            // Nothing is buffered below.
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            try
            {
                inner.Write(buffer, offset, count);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Standard error is closed; there is nowhere else to report it.
            }
        }
    }
}
