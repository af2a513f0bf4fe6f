using System.Buffers.Binary;
using System.Net;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Server.Tests.Fuzz;

/// <summary>
/// Operators' calls, with any token and any bytes for a message: who has no token changes and learns nothing, who may look changes
/// nothing, and nothing is ever an exception. The first byte of an input chooses the method, the second the caller, and whether
/// what follows is the message or the whole body. Most messages go to their handler directly, one in many the whole way.
/// </summary>
internal static class AdminFuzz
{
    private const int Ok = 0;

    // Callers, by the lower bits of the second byte.
    private const int Nobody = 0;
    private const int Reader = 1;
    private const int Operator = 2;
    private const int Garbage = 3;
    private const int WrongToken = 4;
    private const int Callers = 5;
    private const int IsWholeBody = 0x80;

    // One in so many takes the whole way, which takes thirty times as long.
    private const int WholeWay = 64;

    // First of all: the program's descriptors must be read before those of a test's own copy of the contract, whose extensions they would find.
    private static readonly AdminPipeline Pipeline = AdminPipeline.Instance;

    // Streams do not end by themselves, and a token is written to the disk.
    private static readonly MethodDescriptor[] Methods =
    [
        .. new[] { AdminService.Descriptor, PolicyService.Descriptor, DecisionService.Descriptor, ConnectionService.Descriptor, ClusterService.Descriptor, ConfigurationService.Descriptor, HistoryService.Descriptor }
            .SelectMany(service => service.Methods)
            .Where(method => !method.IsServerStreaming && method.Name is not "CreateToken" and not "RevokeToken" and not "GetStats"),
    ];

    private static readonly string[] Texts = ["", "10.0.0.0/8", "2001:db8::/32", "203.0.113.7", "total", "per_ip", "override.10.0.0.0/8", "100:", "reader", "\u00E2\u0082\u00AC", "\u00ED\u00A0\u0080", "/"];

    private static readonly ulong[] Numbers = [0, 1, 2, 50, 1000, 1_000_000, int.MaxValue, uint.MaxValue, (ulong)long.MaxValue, ulong.MaxValue];

    public static readonly FuzzTarget Target = new(
        "admin calls",
        Try,
        [
            Input("ChangePolicy", new ChangePolicyRequest { Set = new LimitSettings { Total = 100, PerIp = 5, RatePerIp = new ConnectRate { Connections = 20, Period = ConnectRate.Types.Period.Second, Burst = 200 } }, Options = new ChangeOptions { DryRun = true, Reason = "r" } }),
            Input("ChangePolicy", new ChangePolicyRequest { SetOverrides = { new Override { Network = "10.0.0.0/8", PerIp = 7 } }, RemoveOverrides = { "192.0.2.0/24" } }),
            Input("ResetPolicy", new ResetPolicyRequest { Items = { "total", "per_ip" } }),
            Input("Ban", new BanRequest { Network = "203.0.113.0/24", Duration = Duration.FromTimeSpan(TimeSpan.FromHours(1)), Reason = "r", DryRun = true }),
            Input("Unban", new UnbanRequest { Network = "203.0.113.0/24" }),
            Input("ListBans", new ListBansRequest { PageSize = 10, PageToken = "10:", Cidr = "203.0.113.0/24" }),
            Input("ListIps", new ListIpsRequest { PageSize = 10, Cidr = "2001:db8::/32", Networks = true }),
            Input("ListConnections", new ListConnectionsRequest { PageSize = 1000, PageToken = "0:0 0 " }),
            Input("Disconnect", new DisconnectRequest { DryRun = true, CloseCode = 4000, CloseReason = "bye" }),
            Input("Explain", new ExplainRequest { Address = "203.0.113.7" }),
            Input("ListAudit", new ListAuditRequest { PageSize = 5, Since = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch), PageToken = "1:2:3" }),
            Input("DiffPolicy", new DiffPolicyRequest { From = 1, To = 2 }),
        ],
        FuzzTarget.Bytes(["\u0008", "\u0010", "\n", "\u0012\u0000", "\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u00FF\u0001", "\u0080", .. Texts]),
        Grow);

    private static byte[] Input(string method, IMessage message) =>
        [(byte)Array.FindIndex(Methods, found => found.Name == method), Operator, .. message.ToByteArray()];

    // A message of the method's own type: each field with the wire type that it has, and values that are telling.
    private static void Grow(FuzzInputs random)
    {
        var method = random.Below(Methods.Length);
        random.Append([(byte)method, (byte)random.Below(Callers)]);
        random.Append(Message(random, Methods[method].InputType, depth: 0));
    }

    private static byte[] Message(FuzzInputs random, MessageDescriptor type, int depth)
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        var fields = type.Fields.InDeclarationOrder();
        for (var count = fields.Count == 0 || depth > 4 ? 0 : random.Below(4); count > 0; count--)
        {
            var field = fields[random.Below(fields.Count)];
            switch (field.FieldType)
            {
                case FieldType.Message:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                    output.WriteBytes(ByteString.CopyFrom(Message(random, field.MessageType, depth + 1)));
                    break;
                case FieldType.String:
                case FieldType.Bytes:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                    output.WriteBytes(ByteString.CopyFrom(Encoding.Latin1.GetBytes(random.Any<string>(Texts))));
                    break;
                case FieldType.Double:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed64);
                    output.WriteFixed64(random.Any<ulong>(Numbers));
                    break;
                default:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                    output.WriteUInt64(random.Any<ulong>(Numbers));
                    break;
            }
        }

        output.Flush();
        return stream.ToArray();
    }

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        if (input.Length < 2)
        {
            return "nothing";
        }

        var method = Methods[input[0] % Methods.Length];
        var rest = input[2..].ToArray();
        if (random.Below(WholeWay) > 0)
        {
            var handled = Pipeline.Handle(method.Name, rest);
            FuzzTarget.Promise(handled is -2 or 0 or 3 or 5 or 8 or 9 or 10 or 14, $"the handler of {method.Name} ended with status {handled}");
            return handled switch
            {
                -2 => "no message",
                Ok => "handled",
                3 => "handled: not valid",
                _ => "handled: not possible",
            };
        }

        var caller = (input[1] & ~IsWholeBody) % Callers;
        var body = (input[1] & IsWholeBody) != 0 ? rest : Framed(rest);
        var authorization = caller switch
        {
            Nobody => null,
            Reader => $"Bearer {Pipeline.Reader}",
            Operator => $"bearer  {Pipeline.Operator} ",
            Garbage => $"Bearer {Encoding.Latin1.GetString(rest)}",
            _ => Changed($"Bearer {Pipeline.Operator}", random),
        };
        var address = new IPAddress([10, 0, (byte)random.Below(256), (byte)random.Below(256)]);
        var status = Pipeline.Call($"/{method.Service.FullName}/{method.Name}", authorization, body, address);

        // UNKNOWN and INTERNAL are bugs, OK needs the right.
        FuzzTarget.Promise(status is 0 or 3 or 5 or 7 or 8 or 9 or 10 or 14 or 16, $"{method.Name} ended with status {status}");
        if (caller is Nobody or Garbage or WrongToken)
        {
            FuzzTarget.Promise(status is 16 or 8, $"{method.Name} without a token ended with status {status}");
        }
        else if (caller == Reader && IsMutating(method))
        {
            FuzzTarget.Promise(status == 7, $"{method.Name} of a reader ended with status {status}");
        }

        return status switch
        {
            Ok => "done",
            3 => "not valid, or no message",
            7 => "denied",
            16 => "not authenticated",
            8 => "too many failures",
            _ => "not possible",
        };
    }

    private static bool IsMutating(MethodDescriptor method) =>
        method.Name is "ChangePolicy" or "ResetPolicy" or "ConfirmPolicy" or "RollbackPolicy" or "PromoteShadow" or "ClearShadow" or "Ban" or "Unban" or "Disconnect" or "CancelDrain";

    private static byte[] Framed(byte[] message)
    {
        var body = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length);
        message.CopyTo(body, 5);
        return body;
    }

    private static string Changed(string text, FuzzInputs random)
    {
        var at = "Bearer ".Length + random.Below(text.Length - "Bearer ".Length);
        return $"{text[..at]}{(text[at] == 'x' ? 'y' : 'x')}{text[(at + 1)..]}";
    }
}
