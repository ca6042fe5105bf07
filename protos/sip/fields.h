/*
 * The fields that only SIP documents carry: transactions, calls, registrations.
 */
#ifndef WIRESPAN_SIP_FIELDS_H
#define WIRESPAN_SIP_FIELDS_H

#include "shipper/txn/field.h"

/* X(enumerator, name, type, unit, sentence, example), as in field.h. */
#define SIP_FIELDS(X)                                                                              \
	X(VERSION, "sip.version", FIELD_KEYWORD, NULL, "The protocol's version.", "\"2.0\"")       \
	X(METHOD, "sip.method", FIELD_KEYWORD, NULL, "The method, as sent.", "\"INVITE\"")         \
	X(CODE, "sip.code", FIELD_LONG, NULL,                                                      \
	  "The final status code, or the last provisional one when there is no other.", "200")     \
	X(STATUS, "sip.status", FIELD_KEYWORD, NULL, "The words behind it.", "\"OK\"")             \
	X(CALL_ID, "sip.call_id", FIELD_KEYWORD, NULL, "Call-ID.", "\"f81d4fae@example.com\"")     \
	X(BRANCH, "sip.branch", FIELD_KEYWORD, NULL,                                               \
	  "The branch of the first Via: names the transaction.", "\"z9hG4bK776asdhds\"")           \
	X(CSEQ_CODE, "sip.cseq.code", FIELD_LONG, NULL, "Number of CSeq.", "314159")               \
	X(CSEQ_METHOD, "sip.cseq.method", FIELD_KEYWORD, NULL, "Method of CSeq.", "\"INVITE\"")    \
	X(REQUEST_URI_ORIGINAL, "sip.uri.original", FIELD_KEYWORD, NULL,                           \
	  "Request-URI, as sent, without a password.", "\"sip:ada@example.com:5060\"")             \
	X(REQUEST_URI_SCHEME, "sip.uri.scheme", FIELD_KEYWORD, NULL, "Its scheme.", "\"sip\"")     \
	X(REQUEST_URI_USERNAME, "sip.uri.username", FIELD_KEYWORD, NULL,                           \
	  "Its user or number, escapes undone.", "\"ada\"")                                        \
	X(REQUEST_URI_HOST, "sip.uri.host", FIELD_KEYWORD, NULL, "Its host.", "\"example.com\"")   \
	X(REQUEST_URI_PORT, "sip.uri.port", FIELD_LONG, NULL, "Its port.", "5060")                 \
	X(FROM_NAME, "sip.from.display_info", FIELD_KEYWORD, NULL, "The name shown with From.",    \
	  "\"Ada\"")                                                                               \
	X(FROM_TAG, "sip.from.tag", FIELD_KEYWORD, NULL, "Its tag.", "\"a6c85cf\"")                \
	X(FROM_URI_ORIGINAL, "sip.from.uri.original", FIELD_KEYWORD, NULL,                         \
	  "URI of From, as sent, without a password.", "\"sip:ada@example.com:5060\"")             \
	X(FROM_URI_SCHEME, "sip.from.uri.scheme", FIELD_KEYWORD, NULL, "Its scheme.", "\"sip\"")   \
	X(FROM_URI_USERNAME, "sip.from.uri.username", FIELD_KEYWORD, NULL,                         \
	  "Its user or number, escapes undone.", "\"ada\"")                                        \
	X(FROM_URI_HOST, "sip.from.uri.host", FIELD_KEYWORD, NULL, "Its host.", "\"example.com\"") \
	X(FROM_URI_PORT, "sip.from.uri.port", FIELD_LONG, NULL, "Its port.", "5060")               \
	X(TO_NAME, "sip.to.display_info", FIELD_KEYWORD, NULL, "The name shown with To.",          \
	  "\"Ada\"")                                                                               \
	X(TO_TAG, "sip.to.tag", FIELD_KEYWORD, NULL, "Its tag.", "\"a6c85cf\"")                    \
	X(TO_URI_ORIGINAL, "sip.to.uri.original", FIELD_KEYWORD, NULL,                             \
	  "URI of To, as sent, without a password.", "\"sip:ada@example.com:5060\"")               \
	X(TO_URI_SCHEME, "sip.to.uri.scheme", FIELD_KEYWORD, NULL, "Its scheme.", "\"sip\"")       \
	X(TO_URI_USERNAME, "sip.to.uri.username", FIELD_KEYWORD, NULL,                             \
	  "Its user or number, escapes undone.", "\"ada\"")                                        \
	X(TO_URI_HOST, "sip.to.uri.host", FIELD_KEYWORD, NULL, "Its host.", "\"example.com\"")     \
	X(TO_URI_PORT, "sip.to.uri.port", FIELD_LONG, NULL, "Its port.", "5060")                   \
	X(CONTACT_NAME, "sip.contact.display_info", FIELD_KEYWORD, NULL,                           \
	  "The name shown with Contact.", "\"Ada\"")                                               \
	X(CONTACT_TAG, "sip.contact.tag", FIELD_KEYWORD, NULL, "Its tag.", "\"a6c85cf\"")          \
	X(CONTACT_URI_ORIGINAL, "sip.contact.uri.original", FIELD_KEYWORD, NULL,                   \
	  "URI of Contact, as sent, without a password.", "\"sip:ada@example.com:5060\"")          \
	X(CONTACT_URI_SCHEME, "sip.contact.uri.scheme", FIELD_KEYWORD, NULL, "Its scheme.",        \
	  "\"sip\"")                                                                               \
	X(CONTACT_URI_USERNAME, "sip.contact.uri.username", FIELD_KEYWORD, NULL,                   \
	  "Its user or number, escapes undone.", "\"ada\"")                                        \
	X(CONTACT_URI_HOST, "sip.contact.uri.host", FIELD_KEYWORD, NULL, "Its host.",              \
	  "\"example.com\"")                                                                       \
	X(CONTACT_URI_PORT, "sip.contact.uri.port", FIELD_LONG, NULL, "Its port.", "5060")         \
	X(CONTACT_EXPIRES, "sip.contact.expires", FIELD_LONG, "seconds", "Its expires parameter.", \
	  "3600")                                                                                  \
	X(CONTACT_Q, "sip.contact.q", FIELD_KEYWORD, NULL, "Its q parameter.", "\"0.7\"")          \
	X(VIA, "sip.via.original", FIELD_KEYWORD, NULL,                                            \
	  "The Via headers of the request, first one first.",                                      \
	  "[\"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK77\"]")                                          \
	X(MAX_FORWARDS, "sip.max_forwards", FIELD_LONG, "hops", "Hops left.", "70")                \
	X(CONTENT_TYPE, "sip.content_type", FIELD_KEYWORD, NULL,                                   \
	  "The request's body, or the answer's when that has none.", "\"application/sdp\"")        \
	X(CONTENT_LENGTH, "sip.content_length", FIELD_LONG, "bytes",                               \
	  "Its length, as Content-Length says.", "142")                                            \
	X(ALLOW, "sip.allow", FIELD_KEYWORD, NULL, "Methods that the sender takes.",               \
	  "[\"INVITE\",\"ACK\"]")                                                                  \
	X(SUPPORTED, "sip.supported", FIELD_KEYWORD, NULL, "Extensions that the sender knows.",    \
	  "[\"timer\"]")                                                                           \
	X(ACCEPT, "sip.accept", FIELD_KEYWORD, NULL, "Bodies that the sender takes.",              \
	  "[\"application/sdp\"]")                                                                 \
	X(EXPIRES, "sip.expires", FIELD_LONG, "seconds", "Expires.", "3600")                       \
	X(REASON, "sip.reason", FIELD_KEYWORD, NULL, "Reason (RFC 3326).", "\"Q.850;cause=16\"")   \
	X(WARNING, "sip.warning", FIELD_KEYWORD, NULL, "Warning.", NULL)                           \
	X(REFER_TO, "sip.refer_to", FIELD_KEYWORD, NULL, "Whom a REFER leads to.",                 \
	  "\"sip:carol@example.com\"")                                                             \
	X(EVENT, "sip.event", FIELD_KEYWORD, NULL, "Event package of a subscription.",             \
	  "\"presence\"")                                                                          \
	X(SUBSCRIPTION, "sip.subscription_state", FIELD_KEYWORD, NULL, "State of a subscription.", \
	  "\"active;expires=600\"")                                                                \
	X(USER_AGENT, "sip.user_agent.original", FIELD_KEYWORD, NULL,                              \
	  "Software of who asked; of who answered when it does not say.", "\"Linphone/3.12\"")     \
	X(SERVER, "sip.server", FIELD_KEYWORD, NULL, "Software of who answered.", "\"Kamailio\"")  \
	X(PRIVATE_URI_ORIGINAL, "sip.private.uri.original", FIELD_KEYWORD, NULL,                   \
	  "P-Asserted-Identity, as sent, without a password.", "\"sip:ada@example.com:5060\"")     \
	X(PRIVATE_URI_SCHEME, "sip.private.uri.scheme", FIELD_KEYWORD, NULL, "Its scheme.",        \
	  "\"sip\"")                                                                               \
	X(PRIVATE_URI_USERNAME, "sip.private.uri.username", FIELD_KEYWORD, NULL,                   \
	  "Its user or number, escapes undone.", "\"ada\"")                                        \
	X(PRIVATE_URI_HOST, "sip.private.uri.host", FIELD_KEYWORD, NULL, "Its host.",              \
	  "\"example.com\"")                                                                       \
	X(PRIVATE_URI_PORT, "sip.private.uri.port", FIELD_LONG, NULL, "Its port.", "5060")         \
	X(AUTH_SCHEME, "sip.auth.scheme", FIELD_KEYWORD, NULL,                                     \
	  "Scheme of the credentials, or of the challenge.", "\"Digest\"")                         \
	X(AUTH_REALM, "sip.auth.realm", FIELD_KEYWORD, NULL, "Their realm.", "\"example.com\"")    \
	X(AUTH_USERNAME, "sip.auth.username", FIELD_KEYWORD, NULL, "Who they are for.", "\"ada\"") \
	X(AUTH_ALGORITHM, "sip.auth.algorithm", FIELD_KEYWORD, NULL, "Their algorithm.",           \
	  "\"MD5\"")                                                                               \
	X(AUTH_ATTEMPT, "sip.auth.attempt", FIELD_LONG, NULL,                                      \
	  "How many challenges (401, 407) to the same request came before this one.", "1")         \
	X(AUTH_URI_ORIGINAL, "sip.auth.uri.original", FIELD_KEYWORD, NULL,                         \
	  "URI of the credentials, as sent, without a password.", "\"sip:ada@example.com:5060\"")  \
	X(AUTH_URI_SCHEME, "sip.auth.uri.scheme", FIELD_KEYWORD, NULL, "Its scheme.", "\"sip\"")   \
	X(AUTH_URI_USERNAME, "sip.auth.uri.username", FIELD_KEYWORD, NULL,                         \
	  "Its user or number, escapes undone.", "\"ada\"")                                        \
	X(AUTH_URI_HOST, "sip.auth.uri.host", FIELD_KEYWORD, NULL, "Its host.", "\"example.com\"") \
	X(AUTH_URI_PORT, "sip.auth.uri.port", FIELD_LONG, NULL, "Its port.", "5060")               \
	X(PROVISIONAL_CODE, "sip.provisional.code", FIELD_LONG, NULL,                              \
	  "Provisional answers, in the order in which they came, each once.", "[100,180]")         \
	X(PROVISIONAL_DELAY, "sip.provisional.delay", FIELD_LONG, "nanoseconds",                   \
	  "How long behind the request each of them came.", "[1200000,340000000]")                 \
	X(RETRANSMITS_REQUEST, "sip.retransmits.request", FIELD_LONG, "messages",                  \
	  "How often the request was sent again.", "1")                                            \
	X(RETRANSMITS_RESPONSE, "sip.retransmits.response", FIELD_LONG, "messages",                \
	  "How often answers were sent again.", "1")                                               \
	X(RETRANSMITS_ACK, "sip.retransmits.ack", FIELD_LONG, "messages",                          \
	  "How often the ACK was sent again.", "1")                                                \
	X(FORKS_CODE, "sip.forks.code", FIELD_LONG, NULL,                                          \
	  "Further final answers: the request was forked.", "[200]")                               \
	X(FORKS_DELAY, "sip.forks.delay", FIELD_LONG, "nanoseconds",                               \
	  "How long behind the request each of them came.", "[2100000000]")                        \
	X(ACK_DELAY, "sip.ack.delay", FIELD_LONG, "nanoseconds", "Final answer to ACK.", "800000") \
	X(ACK_COUNT, "sip.ack.count", FIELD_LONG, "messages",                                      \
	  "ACKs to different final answers, where the request was forked.", "2")                   \
	X(CANCEL_DELAY, "sip.cancel.delay", FIELD_LONG, "nanoseconds", "Request to its CANCEL.",   \
	  "4200000000")                                                                            \
	X(CANCEL_CODE, "sip.cancel.code", FIELD_LONG, NULL, "The answer to the CANCEL.", "200")    \
	X(SDP_VERSION, "sip.sdp.version", FIELD_KEYWORD, NULL,                                     \
	  "Session description: its version.", "\"0\"")                                            \
	X(SDP_OWNER_USERNAME, "sip.sdp.owner.username", FIELD_KEYWORD, NULL, "Its user.", "\"-\"") \
	X(SDP_OWNER_SESSION, "sip.sdp.owner.session_id", FIELD_KEYWORD, NULL, "Its session.",      \
	  "\"2890844526\"")                                                                        \
	X(SDP_OWNER_VERSION, "sip.sdp.owner.version", FIELD_KEYWORD, NULL,                         \
	  "Its number: grows with each change.", "\"2890844527\"")                                 \
	X(SDP_OWNER_IP, "sip.sdp.owner.ip", FIELD_KEYWORD, NULL, "Who made it.", "\"192.0.2.10\"") \
	X(SDP_SESSION_NAME, "sip.sdp.session.name", FIELD_KEYWORD, NULL, "Its name.", "\"-\"")     \
	X(SDP_CONNECTION_ADDRESS, "sip.sdp.connection.address", FIELD_KEYWORD, NULL,               \
	  "Address for all of its streams.", "\"192.0.2.10\"")                                     \
	X(SDP_CONNECTION_INFO, "sip.sdp.connection.info", FIELD_KEYWORD, NULL,                     \
	  "The whole of that line.", "\"IN IP4 192.0.2.10\"")                                      \
	X(SDP_OFFER_ADDRESS, "sip.sdp.offer.address", FIELD_KEYWORD, NULL,                         \
	  "Where who offers wants media sent.", "[\"192.0.2.10\"]")                                \
	X(SDP_OFFER_PORT, "sip.sdp.offer.port", FIELD_LONG, NULL, "The ports of its streams.",     \
	  "[6000]")                                                                                \
	X(SDP_OFFER_MEDIA, "sip.sdp.offer.media", FIELD_KEYWORD, NULL, "Kinds of its streams.",    \
	  "[\"audio\"]")                                                                           \
	X(SDP_OFFER_CODEC, "sip.sdp.offer.codec", FIELD_KEYWORD, NULL, "Its codecs, best first.",  \
	  "[\"PCMA/8000\"]")                                                                       \
	X(SDP_OFFER_DIRECTION, "sip.sdp.offer.direction", FIELD_KEYWORD, NULL,                     \
	  "sendrecv, sendonly, recvonly or inactive, where it says so.", "\"sendonly\"")           \
	X(SDP_ANSWER_ADDRESS, "sip.sdp.answer.address", FIELD_KEYWORD, NULL,                       \
	  "Where who answers wants media sent.", "[\"192.0.2.10\"]")                               \
	X(SDP_ANSWER_PORT, "sip.sdp.answer.port", FIELD_LONG, NULL, "The ports of its streams.",   \
	  "[6000]")                                                                                \
	X(SDP_ANSWER_MEDIA, "sip.sdp.answer.media", FIELD_KEYWORD, NULL, "Kinds of its streams.",  \
	  "[\"audio\"]")                                                                           \
	X(SDP_ANSWER_CODEC, "sip.sdp.answer.codec", FIELD_KEYWORD, NULL,                           \
	  "Its codecs, best first.", "[\"PCMA/8000\"]")                                            \
	X(SDP_ANSWER_DIRECTION, "sip.sdp.answer.direction", FIELD_KEYWORD, NULL,                   \
	  "sendrecv, sendonly, recvonly or inactive, where it says so.", "\"sendonly\"")           \
	X(CALL_STATE, "sip.call.state", FIELD_KEYWORD, NULL,                                       \
	  "setup, ringing, answered; at the end completed, refused, canceled, redirected, "        \
	  "timeout or lost.",                                                                      \
	  "\"completed\"")                                                                         \
	X(CALL_CALLER, "sip.call.caller", FIELD_KEYWORD, NULL, "Who calls: number or user.",       \
	  "\"1001\"")                                                                              \
	X(CALL_CALLER_DOMAIN, "sip.call.caller_domain", FIELD_KEYWORD, NULL,                       \
	  "Where the caller is known.", "\"example.com\"")                                         \
	X(CALL_CALLEE, "sip.call.callee", FIELD_KEYWORD, NULL, "Who is called.", "\"1002\"")       \
	X(CALL_CALLEE_DOMAIN, "sip.call.callee_domain", FIELD_KEYWORD, NULL,                       \
	  "Where the callee is known.", "\"example.com\"")                                         \
	X(CALL_RINGING, "sip.call.ringing", FIELD_DATE, NULL, "First 180 or 183.", NULL)           \
	X(CALL_ANSWERED, "sip.call.answered", FIELD_DATE, NULL, "The final answer 2xx.", NULL)     \
	X(CALL_ENDED, "sip.call.ended", FIELD_DATE, NULL,                                          \
	  "The BYE, or the final answer that refused it.", NULL)                                   \
	X(CALL_SETUP, "sip.call.setup_time", FIELD_LONG, "nanoseconds",                            \
	  "First INVITE to the final answer.", "5200000000")                                       \
	X(CALL_PDD, "sip.call.post_dial_delay", FIELD_LONG, "nanoseconds",                         \
	  "First INVITE to the first sign of ringing, or to the final answer.", "900000000")       \
	X(CALL_DURATION, "sip.call.duration", FIELD_LONG, "nanoseconds",                           \
	  "Answered to ended, or to this document: session duration (RFC 6076, SDT).",             \
	  "61000000000")                                                                           \
	X(CALL_SRD, "sip.call.session_request_delay", FIELD_LONG, "nanoseconds",                   \
	  "The INVITE that was not challenged to the first answer above 100 (RFC 6076, SRD).",     \
	  "900000000")                                                                             \
	X(CALL_SDD, "sip.call.session_disconnect_delay", FIELD_LONG, "nanoseconds",                \
	  "BYE to its answer (RFC 6076, SDD).", "3000000")                                         \
	X(CALL_ESTABLISHED, "sip.call.established", FIELD_BOOL, NULL,                              \
	  "Answered by 2xx: for the session establishment ratio (SER).", NULL)                     \
	X(CALL_EFFECTIVE, "sip.call.effective", FIELD_BOOL, NULL,                                  \
	  "Answered by 2xx, 480, 486, 600 or 603 (SEER).", NULL)                                   \
	X(CALL_INEFFECTIVE, "sip.call.ineffective", FIELD_BOOL, NULL,                              \
	  "Answered by 408, 500, 503, 504, or not at all (ISA).", NULL)                            \
	X(CALL_COMPLETED, "sip.call.completed", FIELD_BOOL, NULL,                                  \
	  "Answered, and ended by a BYE that was answered (SCR).", NULL)                           \
	X(CALL_REDIRECTED, "sip.call.redirected", FIELD_BOOL, NULL,                                \
	  "Answered by 3xx: SER and SEER leave it out.", NULL)                                     \
	X(CALL_HUNG_UP, "sip.call.hung_up_by", FIELD_KEYWORD, NULL, "caller or callee.",           \
	  "\"caller\"")                                                                            \
	X(CALL_AGENT_CALLER, "sip.call.user_agent.caller", FIELD_KEYWORD, NULL,                    \
	  "The caller's software.", NULL)                                                          \
	X(CALL_AGENT_CALLEE, "sip.call.user_agent.callee", FIELD_KEYWORD, NULL,                    \
	  "The callee's software.", NULL)                                                          \
	X(CALL_EGRESS_IP, "sip.call.egress.ip", FIELD_IP, NULL,                                    \
	  "Where the last hop of the INVITE led; the first is client and server.", NULL)           \
	X(CALL_EGRESS_PORT, "sip.call.egress.port", FIELD_LONG, NULL, "Its port.", "5060")         \
	X(CALL_MEDIA_CALLER, "sip.call.media.caller", FIELD_KEYWORD, NULL,                         \
	  "Where the caller takes media.", "\"192.0.2.10:6000\"")                                  \
	X(CALL_MEDIA_CALLEE, "sip.call.media.callee", FIELD_KEYWORD, NULL,                         \
	  "Where the callee takes media.", "\"192.0.2.20:7000\"")                                  \
	X(CALL_CODECS, "sip.call.codecs", FIELD_KEYWORD, NULL,                                     \
	  "Codecs of the answer, or of the offer while there is none.", "[\"PCMA/8000\"]")         \
	X(CALL_REINVITES, "sip.call.reinvites", FIELD_LONG, "messages",                            \
	  "INVITEs and UPDATEs within the dialog.", "2")                                           \
	X(CALL_HOLDS, "sip.call.holds", FIELD_LONG, NULL, "How often a side was put on hold.",     \
	  "1")                                                                                     \
	X(CALL_REFERS, "sip.call.refers", FIELD_LONG, NULL, "Transfers asked for.", "1")           \
	X(CALL_FORKS, "sip.call.forks", FIELD_LONG, NULL, "Further answers 2xx.", "1")             \
	X(CALL_CHALLENGES, "sip.call.challenges", FIELD_LONG, NULL,                                \
	  "Answers 401 and 407 before the call went on.", "1")                                     \
	X(CALL_RETRANSMITS, "sip.call.retransmits", FIELD_LONG, "messages",                        \
	  "Messages that were sent again.", "3")                                                   \
	X(CALL_MESSAGES, "sip.call.messages", FIELD_LONG, "messages",                              \
	  "All of its messages, those sent again included.", "7")                                  \
	X(CALL_FLOW, "sip.call.flow", FIELD_KEYWORD, NULL,                                         \
	  "Its messages as lines to be read: seconds since the first INVITE, from, to, method or " \
	  "code and reason; in brackets the method that is answered, sdp, again.",                 \
	  "[\"0.000000 192.0.2.10:5060 > 192.0.2.20:5060 INVITE (sdp)\"]")                         \
	X(REGISTRATION_STATE, "sip.registration.state", FIELD_KEYWORD, NULL,                       \
	  "registered, refreshed, unregistered, failed, unanswered or expired.", "\"registered\"") \
	X(REGISTRATION_AOR, "sip.registration.aor", FIELD_KEYWORD, NULL, "Address of record.",     \
	  "\"sip:ada@example.com\"")                                                               \
	X(REGISTRATION_CONTACT, "sip.registration.contact", FIELD_KEYWORD, NULL,                   \
	  "Where it is reached.", "\"sip:ada@192.0.2.10:5060\"")                                   \
	X(REGISTRATION_EXPIRES, "sip.registration.expires", FIELD_LONG, "seconds",                 \
	  "How long that holds.", "3600")                                                          \
	X(REGISTRATION_DELAY, "sip.registration.delay", FIELD_LONG, "nanoseconds",                 \
	  "The REGISTER that was not challenged to its final answer (RFC 6076, RRD).", "4000000")  \
	X(REGISTRATION_CHALLENGES, "sip.registration.challenges", FIELD_LONG, NULL,                \
	  "Answers 401 and 407 on the way.", "1")

#define SIP_FIELD_ENUM(id, name, type, unit, text, example) SIP_F_##id,
enum sip_field { SIP_FIELDS(SIP_FIELD_ENUM) SIP_FIELD_COUNT };
#undef SIP_FIELD_ENUM

#define SIP_FIELD(id) FIELD_OWN(SIP_F_##id)

extern const struct field sip_fields[SIP_FIELD_COUNT + 1];

#endif
