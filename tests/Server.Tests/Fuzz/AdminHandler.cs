using System.Reflection;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Relay.AdminAuth;
using Relay.AuditLog;

namespace Server.Tests.Fuzz;

/// <summary>
/// One method of a gRPC service, from the bytes of its message on. By reflection: a project with a copy of the contract of its own
/// does not see the program's messages.
/// </summary>
internal sealed class AdminHandler(object service, MethodInfo method, MessageParser parser)
{
    private static readonly AdminIdentity Caller = new("fuzz", AdminRole.Admin, CallerKind.Token);

    public string Name => method.Name;

    public static IEnumerable<AdminHandler> Of(object service) =>
        from method in service.GetType().GetMethods()
        where method.GetParameters() is [{ ParameterType: var request }, { ParameterType: var context }]
            && context == typeof(ServerCallContext)
            && typeof(IMessage).IsAssignableFrom(request)
        select new AdminHandler(service, method, (MessageParser)method.GetParameters()[0].ParameterType.GetProperty("Parser")!.GetValue(null)!);

    public int Handle(byte[] bytes, AdminConnection connection)
    {
        IMessage message;
        try
        {
            message = parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return -2;
        }

        // What is written is read as the same, and has a line in the audit.
        var again = parser.ParseFrom(message.ToByteArray());
        FuzzTarget.Promise(again.Equals(message), $"{Name} is read otherwise when it is written again");
        RequestSummary.Of(message);
        RequestSummary.ReasonOf(message);
        try
        {
            var call = (Task)method.Invoke(service, BindingFlags.DoNotWrapExceptions, null, [message, new Context(connection, Name)], null)!;
            call.GetAwaiter().GetResult();
            return (int)StatusCode.OK;
        }
        catch (RpcException exception)
        {
            FuzzTarget.Promise(exception.Status.Detail.Length > 0, $"{Name} was refused without a sentence");
            return (int)exception.StatusCode;
        }
    }

    private sealed class Context : ServerCallContext
    {
        private readonly Dictionary<object, object> _state;

        public Context(AdminConnection connection, string method)
        {
            var http = new DefaultHttpContext();
            http.Features.Set(new AdminCaller(Caller, connection, method, null));

            // Where the framework keeps it.
            _state = new Dictionary<object, object> { ["__HttpContext"] = http };
        }

        protected override IDictionary<object, object> UserStateCore => _state;

        protected override string MethodCore => "";

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore => [];

        protected override CancellationToken CancellationTokenCore => CancellationToken.None;

        protected override Metadata ResponseTrailersCore { get; } = [];

        protected override Grpc.Core.Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore => new("", []);

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => throw new NotSupportedException();

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
    }
}
